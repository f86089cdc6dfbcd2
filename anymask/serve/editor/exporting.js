/** Files of what was selected: made by the server from what is saved, so that they are those of the command line. */

import { UnreachableError } from "./api.js";
import { pathOf, tightBox } from "./masks/shapes.js";

/** @typedef {import("./types.js").Thing} Thing */

/** @typedef {"chosen"|"objects"|"masks"} What the selected objects, all of them, or everything that was found */

/** @typedef {{id: string, title: string, text: string, masks: boolean}} Format masks: it is made of everything found, too */

/** @type {Format[]} */
export const FORMATS = [
  { id: "coco", title: "COCO JSON", text: "Masks, boxes and labels, lossless. For training and for other programs.", masks: true },
  { id: "png", title: "Label map", text: "One 16-bit PNG; each pixel holds the number of its object.", masks: true },
  { id: "cutout", title: "Cut-out", text: "The picture where there are objects, clear elsewhere.", masks: false },
  { id: "overlay", title: "Overlay", text: "The picture with its masks in colour, to show to people.", masks: true },
  { id: "svg", title: "SVG", text: "Outlines with their holes, for drawing programs.", masks: true },
  { id: "recipe", title: "Recipe", text: "Every prompt and correction, to be replayed on the command line.", masks: false },
];

const FEATHER = 0.8; // pixels over which the edge of a cut-out fades, so that it shows no steps

export class Exporting {
  /**
   * @param {import("./state.js").Store} store @param {import("./api.js").Api} api @param {import("./sync.js").Sync} sync
   * @param {import("./work.js").Work} work @param {import("./session.js").Session} session
   */
  constructor(store, api, sync, work, session) {
    this.store = store;
    this.api = api;
    this.sync = sync;
    this.work = work;
    this.session = session;
  }

  /** @param {string} format @param {What} of @param {boolean} hidden with hidden objects, of all of them */
  async download(format, of, hidden) {
    const { image, chosen } = this.store.state;
    if (!image?.id) return;
    try {
      await this.sync.flush();
      if (of !== "masks" && this.store.state.unsaved) {
        this.work.tell("Some changes are not saved yet, and would be missing in the file. Export again when they are.", "error");
        return;
      }
      const query = new URLSearchParams(of === "chosen" ? chosen.map((id) => ["id", id]) : of === "objects" ? { hidden: String(hidden) } : { of });
      if (format !== "recipe") query.set("format", format);
      const path = `${format === "recipe" ? "recipe" : "export"}?${query}`;
      const response = await this.api.ask("GET", `/v1/images/${image.id}/${path}`, {});
      const named = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
      save(await response.blob(), named?.[1] ?? `${image.name.replace(/\.[^.]*$/, "")}.${format === "recipe" ? "recipe.json" : format}`);
    } catch (error) {
      this.work.tell(error instanceof UnreachableError ? "The server does not answer. Export when it is back." : String(error instanceof Error ? error.message : error), "error");
    }
  }

  /** The mask of each object as a PNG of its own. @param {Thing[]} things */
  async downloadMasks(things) {
    const { image } = this.store.state;
    if (!image) return;
    for (const [number, thing] of things.entries()) {
      const { context, canvas } = canvasOf(image.width, image.height);
      context.fillStyle = "#000";
      context.fillRect(0, 0, image.width, image.height);
      context.fillStyle = "#fff";
      context.fill(pathOf(thing.rle), "evenodd");
      const name = thing.label.replace(/[^\p{L}\p{N}_-]+/gu, "_") || "mask";
      save(await canvas.convertToBlob({ type: "image/png" }), `${image.name.replace(/\.[^.]*$/, "")}.${name}-${number + 1}.png`);
    }
  }

  /** Objects on nothing, to the clipboard: the selected ones, or else all that are visible. @param {Thing[]} [things] */
  async copyCutout(things) {
    const { state } = this.store;
    const copied = things ?? wanted(state.things, state.chosen.length ? "chosen" : "objects", state.chosen, false);
    if (!copied.length || !this.session.picture) {
      this.work.tell("There is no object to copy yet.");
      return;
    }
    try {
      const blob = this.cutout(copied);
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
      this.work.tell(copied.length === 1 ? "The cut-out is on the clipboard." : `The cut-out of ${copied.length} objects is on the clipboard.`);
    } catch {
      this.work.tell("The browser does not let this page copy pictures. Export the cut-out as a file.", "error");
    }
  }

  /** @param {Thing[]} things @returns {Promise<Blob>} a PNG as large as they are */
  cutout(things) {
    const boxes = things.map((thing) => tightBox(thing.rle));
    const x = Math.max(Math.min(...boxes.map((box) => box[0])) - 1, 0);
    const y = Math.max(Math.min(...boxes.map((box) => box[1])) - 1, 0);
    const { context, canvas } = canvasOf(Math.max(...boxes.map((box) => box[2])) + 1 - x, Math.max(...boxes.map((box) => box[3])) + 1 - y);
    const masks = canvasOf(canvas.width, canvas.height);
    masks.context.translate(-x, -y);
    for (const thing of things) masks.context.fill(pathOf(thing.rle), "evenodd");
    context.filter = `blur(${FEATHER}px)`;
    context.drawImage(masks.canvas, 0, 0);
    context.filter = "none";
    context.globalCompositeOperation = "source-in";
    context.drawImage(/** @type {ImageBitmap} */ (this.session.picture), -x, -y);
    return canvas.convertToBlob({ type: "image/png" });
  }
}

/** The objects that an export is of. @param {Thing[]} things @param {What} of @param {readonly string[]} chosen @param {boolean} hidden @returns {Thing[]} */
export function wanted(things, of, chosen, hidden) {
  return things.filter((thing) => (of === "chosen" ? chosen.includes(thing.id) : hidden || thing.visible));
}

/** @param {number} width @param {number} height */
function canvasOf(width, height) {
  const canvas = new OffscreenCanvas(width, height);
  return { canvas, context: /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")) };
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
