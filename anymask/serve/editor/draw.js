/**
 * From the state to three canvases, one above the other: the picture, the masks, and what follows the pointer. Each is
 * drawn anew only where something of its own has changed, at most once a frame.
 */

import { drawMasks } from "./draw_masks.js";
import { drawOverlay } from "./draw_overlay.js";

/** @typedef {import("./state.js").State} State */

/**
 * @typedef {object} Layer
 * @property {HTMLCanvasElement} canvas
 * @property {(state: State) => unknown[]} parts of the state that it shows
 * @property {(context: CanvasRenderingContext2D, state: State) => void} draw
 */

export class Painter {
  /**
   * @param {HTMLElement} stage
   * @param {import("./state.js").Store} store
   * @param {{picture: ImageBitmap|null, onPicture: ((picture: ImageBitmap|null) => void)[]}} session
   * @param {(context: CanvasRenderingContext2D, state: State) => void} drawTool what the tool in use shows
   */
  constructor(stage, store, session, drawTool) {
    this.stage = stage;
    this.store = store;
    /** @type {Layer[]} */
    this.layers = [
      {
        canvas: canvasOf(stage, "picture"),
        parts: (state) => [state.view],
        draw: (context, state) => drawPicture(context, state, session.picture),
      },
      {
        canvas: canvasOf(stage, "masks"),
        parts: (state) => [state.view, state.things, state.chosen, state.opacity, state.showAll, state.index, state.described.matches, state.described.below, state.described.lit],
        draw: (context, state) => drawMasks(context, state),
      },
      {
        canvas: canvasOf(stage, "overlay"),
        parts: (state) => [
          state.view, state.hover, state.preview, state.pointer, state.things, state.chosen, state.waitingClicks, state.gathered, state.dragged, state.stroke,
          state.looking, state.tool, state.brushSize, state.answering,
        ],
        draw: (context, state) => {
          drawOverlay(context, state);
          drawTool(context, state);
        },
      },
    ];
    /** @type {Set<Layer>} */
    this.stale = new Set(this.layers);
    this.frame = 0;
    for (const layer of this.layers) store.watch(layer.parts, () => this.invalidate(layer));
    session.onPicture.push(() => this.invalidate(this.layers[0]));
    new ResizeObserver(() => this.resize()).observe(stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.layers.forEach((layer) => this.invalidate(layer)));
    this.resize();
  }

  /** @returns {{width: number, height: number}} of the stage, in screen pixels */
  get size() {
    return { width: this.stage.clientWidth, height: this.stage.clientHeight };
  }

  resize() {
    const ratio = devicePixelRatio;
    const { width, height } = this.size;
    for (const layer of this.layers) {
      layer.canvas.width = Math.max(1, Math.round(width * ratio));
      layer.canvas.height = Math.max(1, Math.round(height * ratio));
      layer.canvas.style.width = `${width}px`;
      layer.canvas.style.height = `${height}px`;
      this.invalidate(layer);
    }
  }

  /** @param {Layer} layer */
  invalidate(layer) {
    this.stale.add(layer);
    this.frame ||= requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.frame = 0;
    for (const layer of this.stale) {
      const context = /** @type {CanvasRenderingContext2D} */ (layer.canvas.getContext("2d"));
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, layer.canvas.width, layer.canvas.height);
      context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
      if (this.store.state.image) layer.draw(context, this.store.state);
    }
    this.stale.clear();
  }
}

/** @param {HTMLElement} stage @param {string} name */
function canvasOf(stage, name) {
  return /** @type {HTMLCanvasElement} */ (stage.querySelector(`canvas[data-layer=${name}]`));
}

/** @param {CanvasRenderingContext2D} context @param {State} state @param {ImageBitmap|null} picture */
function drawPicture(context, { image, view }, picture) {
  if (!image) return;
  const { x, y, scale } = view;
  if (!picture) {
    context.fillStyle = "rgb(128 128 128 / 0.15)";
    context.fillRect(x, y, image.width * scale, image.height * scale);
    return;
  }
  context.imageSmoothingEnabled = scale < 3; // pixels are shown as they are when they are looked at closely
  context.imageSmoothingQuality = scale < 1 ? "medium" : "low";
  context.drawImage(picture, x, y, image.width * scale, image.height * scale);
}
