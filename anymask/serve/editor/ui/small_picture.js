/** A small picture of one mask on its ground. */

import { pathOf } from "../masks/shapes.js";
import { make } from "./dom.js";

const MARGIN = 0.06; // of the sides, around the box
const LARGEST = 8; // screen pixels for one of the picture

/**
 * @param {ImageBitmap|null} picture
 * @param {import("../types.js").Rle} rle @param {string} colour
 * @param {import("../types.js").Box} box what is shown
 * @param {{width: number, height: number, label: string}} canvas in its own pixels, and what it is called
 */
export function smallPicture(picture, rle, colour, [x1, y1, x2, y2], { width, height, label }) {
  const canvas = make("canvas", { width, height, role: "img", "aria-label": label });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const free = 1 - 2 * MARGIN;
  const scale = Math.min((free * width) / Math.max(x2 - x1, 1), (free * height) / Math.max(y2 - y1, 1), LARGEST);
  context.translate(width / 2 - ((x1 + x2) / 2) * scale, height / 2 - ((y1 + y2) / 2) * scale);
  context.scale(scale, scale);
  if (picture) context.drawImage(picture, 0, 0);
  const path = pathOf(rle, scale);
  context.fillStyle = colour;
  context.globalAlpha = 0.55;
  context.fill(path, "evenodd");
  context.globalAlpha = 1;
  for (const [line, thickness] of /** @type {[string, number][]} */ ([["rgb(0 0 0 / 0.65)", 4], ["#ffffff", 2]])) {
    context.strokeStyle = line;
    context.lineWidth = thickness / scale;
    context.stroke(path);
  }
  return canvas;
}
