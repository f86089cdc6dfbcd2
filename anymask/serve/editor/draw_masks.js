/** The layer of masks: things, what words found, and everything at once. */

import { pathOf } from "./masks/shapes.js";
import { colourNumbers } from "./palette.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./types.js").Rle} Rle */

const MOST_CELLS = 1.5e6; // screen pixels of everything shown at once that are coloured one by one
const MANY = 20; // matches, from which on each has a thin line alone
const GLOW = "#ffd60a";
const DASHES = [5, 4]; // screen pixels, around what nearly fits

/** @param {CanvasRenderingContext2D} context @param {State} state */
export function drawMasks(context, state) {
  if (state.showAll && state.index) drawEverything(context, state);
  const { x, y, scale } = state.view;
  context.save();
  context.translate(x, y);
  context.scale(scale, scale);
  for (const thing of state.things) {
    if (!thing.visible) continue;
    const chosen = state.chosen.includes(thing.id);
    fillAndStroke(context, thing.rle, thing.colour ?? "#3b82f6", state.opacity * (chosen ? 1 : 0.75), chosen ? 2.5 : 1.25, scale);
  }
  const many = state.described.matches.length > MANY;
  // The best match glows most
  for (const match of [...state.described.matches].reverse()) {
    const lit = match.mask !== null && match.mask === state.described.lit;
    fillAndStroke(context, match.rle, GLOW, lit ? 0.7 : 0.15 + 0.45 * match.score, lit ? 3.5 : many ? 1 : 2, scale, !many);
  }
  for (const { mask, rle, score } of state.described.below) {
    const lit = mask === state.described.lit;
    fillAndStroke(context, rle, GLOW, lit ? 0.45 : 0.3 * score, lit ? 2.5 : 1, scale, lit, DASHES);
  }
  const near = state.described.matches.length ? null : state.index?.masks[state.described.lit];
  if (near) fillAndStroke(context, near.rle, GLOW, 0.45, 2.5, scale);
  context.restore();
}

/**
 * @param {CanvasRenderingContext2D} context scaled to source pixels
 * @param {Rle} rle @param {string} colour @param {number} alpha
 * @param {number} width of the line, in screen pixels
 * @param {number} scale of the context
 * @param {boolean} [halo] a dark line under the coloured one, so that it is seen on any ground
 * @param {number[]} [dashes] of the line, in screen pixels
 */
function fillAndStroke(context, rle, colour, alpha, width, scale, halo = true, dashes = []) {
  const path = pathOf(rle, scale);
  context.fillStyle = colour;
  context.globalAlpha = alpha;
  context.fill(path, "evenodd");
  context.globalAlpha = 1;
  context.lineJoin = "round";
  context.setLineDash(dashes.map((length) => length / scale));
  if (halo) {
    context.strokeStyle = "rgb(0 0 0 / 0.45)";
    context.lineWidth = (width * 2) / scale;
    context.stroke(path);
  }
  context.strokeStyle = colour;
  context.lineWidth = width / scale;
  context.stroke(path);
}

/**
 * Every mask in a colour of its own, the smallest on top. Coloured pixel by pixel from the index map, so that five
 * thousand masks cost what one does.
 * @param {CanvasRenderingContext2D} context @param {State} state
 */
function drawEverything(context, state) {
  const { index, image, view } = state;
  if (!index || !image) return;
  const { width, height } = context.canvas;
  const every = Math.max(1, Math.sqrt((width * height) / MOST_CELLS));
  const columns = Math.ceil(width / every);
  const rows = Math.ceil(height / every);
  const pixels = new ImageData(columns, rows);
  const colours = new Uint32Array(pixels.data.buffer);
  const palette = index.masks.map((_, number) => {
    const [red, green, blue] = colourNumbers(number);
    return (0x99 << 24) | (blue << 16) | (green << 8) | red;
  });
  const { cells, step, rows: cellRows } = index.map;
  const across = Int32Array.from({ length: columns }, (_, column) => {
    const x = (((column + 0.5) * every) / devicePixelRatio - view.x) / view.scale;
    return x >= 0 && x < image.width ? Math.floor(x / step) * cellRows : -1;
  });
  const edge = 0xf0ffffff | 0;
  for (let row = 0; row < rows; row++) {
    const y = (((row + 0.5) * every) / devicePixelRatio - view.y) / view.scale;
    if (y < 0 || y >= image.height) continue;
    const down = Math.floor(y / step);
    let before = -2;
    for (let column = 0; column < columns; column++) {
      if (across[column] < 0) continue;
      const mask = cells[across[column] + down];
      if (mask >= 0) colours[row * columns + column] = mask === before || before === -2 ? palette[mask] : edge;
      before = mask;
    }
  }
  const small = new OffscreenCanvas(columns, rows);
  /** @type {OffscreenCanvasRenderingContext2D} */ (small.getContext("2d")).putImageData(pixels, 0, 0);
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(small, 0, 0, width, height);
  context.restore();
}
