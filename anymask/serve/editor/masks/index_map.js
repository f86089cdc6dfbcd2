/**
 * Which mask lies at a pixel: the smallest mask at each pixel, drawn once, so that hovering asks nobody.
 *
 * Numbers stand column by column as in the run lengths, so that a run is filled at once. A picture of more than
 * MOST_CELLS pixels has one number for every `step` x `step` of them; `MaskIndex.at` then looks into the masks themselves.
 */

import { decode } from "./rle.js";
import { area } from "./runs.js";

export const MOST_CELLS = 32e6;

/**
 * @typedef {object} IndexMap
 * @property {number} step pixels along the side of a cell
 * @property {number} rows cells in a column
 * @property {Int16Array|Int32Array} cells the smallest mask of each, -1 for none
 * @property {Float64Array} areas pixels of each mask
 */

/**
 * @param {import("../types.js").Rle[]} masks
 * @param {number} width @param {number} height of the picture
 * @param {boolean[]} shown whether a mask is drawn at all
 * @param {number} mostCells
 * @returns {IndexMap}
 */
export function buildIndexMap(masks, width, height, shown, mostCells = MOST_CELLS) {
  const step = Math.max(1, Math.ceil(Math.sqrt((width * height) / mostCells)));
  const columns = Math.ceil(width / step);
  const rows = Math.ceil(height / step);
  const cells = masks.length < 2 ** 15 ? new Int16Array(columns * rows) : new Int32Array(columns * rows);
  cells.fill(-1);
  const bounds = masks.map((each) => decode(each.counts, width * height));
  const areas = Float64Array.from(bounds, area);
  const order = masks.map((_, index) => index).filter((index) => shown[index]);
  order.sort((one, other) => areas[other] - areas[one] || one - other);
  for (const index of order) {
    if (step === 1) for (let at = 0; at < bounds[index].length; at += 2) cells.fill(index, bounds[index][at], bounds[index][at + 1]);
    else fillCells(cells, bounds[index], index, step, rows, height);
  }
  return { step, rows, cells, areas };
}

/**
 * @param {Int16Array|Int32Array} cells @param {import("./rle.js").Bounds} bounds @param {number} index
 * @param {number} step @param {number} rows @param {number} height
 */
function fillCells(cells, bounds, index, step, rows, height) {
  for (let at = 0; at < bounds.length; at += 2) {
    let start = bounds[at];
    while (start < bounds[at + 1]) {
      const x = Math.floor(start / height);
      const end = Math.min(bounds[at + 1], (x + 1) * height);
      const column = Math.floor(x / step) * rows;
      cells.fill(index, column + Math.floor((start - x * height) / step), column + Math.floor((end - 1 - x * height) / step) + 1);
      start = end;
    }
  }
}
