/** What can be asked of and done to masks that are bounds, see rle.js. Nothing here changes its arguments. */

/** @typedef {import("./rle.js").Bounds} Bounds */

/** What a pixel is after a union, ... by whether it is in either mask: one row for each way to join two masks. */
export const WAYS = {
  union: (/** @type {boolean} */ first, /** @type {boolean} */ second) => first || second,
  subtract: (/** @type {boolean} */ first, /** @type {boolean} */ second) => first && !second,
  intersect: (/** @type {boolean} */ first, /** @type {boolean} */ second) => first && second,
};

/** @typedef {keyof typeof WAYS} Way */

/**
 * @param {Bounds} first
 * @param {Bounds} second
 * @param {Way} way
 * @returns {Bounds}
 */
export function combine(first, second, way) {
  const keep = WAYS[way];
  const joined = new Int32Array(first.length + second.length);
  let filled = 0;
  let i = 0;
  let j = 0;
  let inside = false;
  while (i < first.length || j < second.length) {
    const place = Math.min(first[i] ?? Infinity, second[j] ?? Infinity);
    if (first[i] === place) i++;
    if (second[j] === place) j++;
    const now = keep(i % 2 === 1, j % 2 === 1);
    if (now !== inside) {
      joined[filled++] = place;
      inside = now;
    }
  }
  return joined.slice(0, filled);
}

/** @param {Bounds} bounds @returns {number} pixels */
export function area(bounds) {
  let sum = 0;
  for (let index = 0; index < bounds.length; index += 2) sum += bounds[index + 1] - bounds[index];
  return sum;
}

/**
 * Whether the pixel at a point is in the mask.
 * @param {Bounds} bounds
 * @param {number} x @param {number} y
 * @param {number} height of the picture
 */
export function contains(bounds, x, y, height) {
  if (x < 0 || y < 0 || y >= height) return false;
  const place = Math.floor(x) * height + Math.floor(y);
  let low = 0; // how many bounds lie at the place or before it
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bounds[middle] <= place) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}

/**
 * The runs column by column: (x, first row, row after the last) of each, from left to right and from the top.
 * @param {Bounds} bounds
 * @param {number} height
 * @param {(x: number, y1: number, y2: number) => void} visit
 */
export function eachColumnRun(bounds, height, visit) {
  for (let index = 0; index < bounds.length; index += 2) {
    let start = bounds[index];
    const end = bounds[index + 1];
    while (start < end) {
      const x = Math.floor(start / height);
      const stop = Math.min(end, (x + 1) * height);
      visit(x, start - x * height, stop - x * height);
      start = stop;
    }
  }
}

/**
 * The tight box; all 0 of a mask without pixels.
 * @param {Bounds} bounds @param {number} height
 * @returns {import("../types.js").Box}
 */
export function boxOf(bounds, height) {
  if (!bounds.length) return [0, 0, 0, 0];
  let top = height;
  let bottom = 0;
  eachColumnRun(bounds, height, (_, y1, y2) => {
    if (y1 < top) top = y1;
    if (y2 > bottom) bottom = y2;
  });
  return [Math.floor(bounds[0] / height), top, Math.floor((bounds[bounds.length - 1] - 1) / height) + 1, bottom];
}

/**
 * The mask in a picture that is `step` times smaller, from the middle column of every `step` columns.
 * @param {Bounds} bounds @param {number} height of the picture @param {number} step
 * @returns {{bounds: Bounds, height: number}}
 */
export function reduced(bounds, height, step) {
  const rows = Math.ceil(height / step);
  const middle = step >> 1;
  /** @type {number[]} */
  const runs = [];
  eachColumnRun(bounds, height, (x, y1, y2) => {
    if (x % step !== middle) return;
    const start = ((x - middle) / step) * rows;
    const [from, to] = [start + Math.round(y1 / step), start + Math.min(Math.round(y2 / step), rows)];
    if (from < to) runs.push(from, to);
  });
  return { bounds: joinTouching(runs), height: rows };
}

/**
 * Shared pixels over the pixels of both, in [0, 1].
 * @param {Bounds} first @param {Bounds} second
 */
export function iou(first, second) {
  const shared = area(combine(first, second, "intersect"));
  const all = area(first) + area(second) - shared;
  return all ? shared / all : 0;
}

/**
 * Bounds from runs that come in ascending order and may touch.
 * @param {number[]} runs start, end, start, end, ...
 * @returns {Bounds}
 */
export function joinTouching(runs) {
  const bounds = new Int32Array(runs.length);
  let filled = 0;
  for (let index = 0; index < runs.length; index += 2) {
    if (filled && bounds[filled - 1] === runs[index]) bounds[filled - 1] = runs[index + 1];
    else {
      bounds[filled++] = runs[index];
      bounds[filled++] = runs[index + 1];
    }
  }
  return bounds.slice(0, filled);
}
