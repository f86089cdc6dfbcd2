/** The pixels under a brush, as bounds. */

import { combine, joinTouching } from "./runs.js";

/** @typedef {import("./rle.js").Bounds} Bounds */

/**
 * The pixels whose centres lie within half a brush of a path, and always the pixels that the path goes through.
 * @param {import("../types.js").Point[]} path in source pixels
 * @param {number} size of the brush, the diameter in source pixels
 * @param {number} height @param {number} width of the picture
 * @returns {Bounds}
 */
export function strokeBounds(path, size, height, width) {
  /** @type {Bounds} */
  let bounds = new Int32Array(0);
  /** @type {Bounds[]} */
  const pieces = [];
  path.forEach((to, index) => {
    const from = path[Math.max(index - 1, 0)];
    pieces.push(size <= 2 ? thinLine(from, to, size, height, width) : capsule(from, to, size / 2, height, width));
  });
  // Joined in pairs, so that a long stroke does not cost the square of its length
  while (pieces.length > 1) pieces.splice(0, 2, combine(pieces[0], pieces[1], "union"));
  if (pieces.length) bounds = pieces[0];
  return bounds;
}

/**
 * A capsule is convex: one run in each column.
 * @param {import("../types.js").Point} from @param {import("../types.js").Point} to
 * @param {number} radius @param {number} height @param {number} width
 * @returns {Bounds}
 */
function capsule(from, to, radius, height, width) {
  const [a, b] = from.x <= to.x ? [from, to] : [to, from];
  const first = Math.max(0, Math.ceil(a.x - radius - 0.5));
  const last = Math.min(width - 1, Math.floor(b.x + radius - 0.5));
  /** @type {number[]} */
  const runs = [];
  for (let x = first; x <= last; x++) {
    const span = spanAt(x + 0.5, a, b, radius);
    if (!span) continue;
    const y1 = Math.max(0, Math.ceil(span[0] - 0.5));
    const y2 = Math.min(height, Math.floor(span[1] - 0.5) + 1);
    if (y1 < y2) runs.push(x * height + y1, x * height + y2);
  }
  return joinTouching(runs);
}

/**
 * Where a vertical line at x is inside the capsule around a segment: from and to, or null.
 * @param {number} x
 * @param {import("../types.js").Point} a @param {import("../types.js").Point} b with a.x <= b.x
 * @param {number} radius
 * @returns {[number, number]|null}
 */
function spanAt(x, a, b, radius) {
  let top = Infinity;
  let bottom = -Infinity;
  for (const end of [a, b]) {
    const beside = radius ** 2 - (x - end.x) ** 2;
    if (beside < 0) continue;
    top = Math.min(top, end.y - Math.sqrt(beside));
    bottom = Math.max(bottom, end.y + Math.sqrt(beside));
  }
  const length = Math.hypot(b.x - a.x, b.y - a.y);
  if (length > 0) {
    // The two long sides: the segment moved by its normal times the radius
    const normal = { x: (-(b.y - a.y) / length) * radius, y: ((b.x - a.x) / length) * radius };
    for (const sign of [-1, 1]) {
      const x1 = a.x + sign * normal.x;
      const x2 = b.x + sign * normal.x;
      if (x < Math.min(x1, x2) || x > Math.max(x1, x2) || x1 === x2) continue;
      const y = a.y + sign * normal.y + ((x - x1) / (x2 - x1)) * (b.y - a.y);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  return top <= bottom ? [top, bottom] : null;
}

/**
 * A brush of one or two pixels: squares along a line, so that it leaves no gaps.
 * @param {import("../types.js").Point} from @param {import("../types.js").Point} to
 * @param {number} size @param {number} height @param {number} width
 * @returns {Bounds}
 */
function thinLine(from, to, size, height, width) {
  const side = Math.max(1, Math.round(size));
  const steps = Math.max(1, Math.ceil(2 * Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y))));
  /** @type {Set<number>} */
  const places = new Set();
  for (let step = 0; step <= steps; step++) {
    const left = Math.floor(from.x + ((to.x - from.x) * step) / steps - (side - 1) / 2);
    const top = Math.floor(from.y + ((to.y - from.y) * step) / steps - (side - 1) / 2);
    for (let x = left; x < left + side; x++) {
      for (let y = top; y < top + side; y++) if (x >= 0 && x < width && y >= 0 && y < height) places.add(x * height + y);
    }
  }
  return joinTouching([...places].sort((one, other) => one - other).flatMap((place) => [place, place + 1]));
}
