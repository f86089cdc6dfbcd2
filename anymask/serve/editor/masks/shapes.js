/** What is computed of a mask once and kept as long as the mask is: bounds, outline, box. */

import { rings } from "./contour.js";
import { decode } from "./rle.js";
import { area, boxOf } from "./runs.js";

/** @typedef {import("../types.js").Rle} Rle */

/**
 * @template T
 * @param {(rle: Rle) => T} compute
 * @returns {(rle: Rle) => T}
 */
function kept(compute) {
  /** @type {WeakMap<Rle, T>} */
  const known = new WeakMap();
  return (rle) => {
    let value = known.get(rle);
    if (value === undefined) {
      value = compute(rle);
      known.set(rle, value);
    }
    return value;
  };
}

export const boundsOf = kept((rle) => decode(rle.counts, rle.size[0] * rle.size[1]));

export const areaOf = kept((rle) => area(boundsOf(rle)));

export const tightBox = kept((rle) => boxOf(boundsOf(rle), rle.size[0]));

export const ringsOf = kept((rle) => rings(boundsOf(rle), rle.size[0]));

/** The outline for a canvas, in source pixels; fill it "evenodd". */
export const pathOf = kept((rle) => {
  const path = new Path2D();
  for (const ring of ringsOf(rle)) {
    path.moveTo(ring[0], ring[1]);
    for (let at = 2; at < ring.length; at += 2) path.lineTo(ring[at], ring[at + 1]);
    path.closePath();
  }
  return path;
});
