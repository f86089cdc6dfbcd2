/** What is computed of a mask once and kept as long as the mask is: bounds, outline, box. */

import { rings } from "./contour.js";
import { decode } from "./rle.js";
import { area, boxOf, reduced } from "./runs.js";

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

const LEAST_STEPS = 24; // a mask is never drawn with fewer steps along its shorter side

const pathsOf = kept(() => /** @type {Map<number, Path2D>} */ (new Map()));

/**
 * The outline for a canvas, in source pixels; fill it "evenodd". Where the picture is shown smaller than it is the outline
 * is as coarse as the screen: within one of its pixels, and that much faster to draw.
 * @param {Rle} rle
 * @param {number} [scale] screen pixels for one of the picture; exact from 1 up
 * @returns {Path2D}
 */
export function pathOf(rle, scale = 1) {
  const [x1, y1, x2, y2] = scale < 0.5 ? tightBox(rle) : [0, 0, 0, 0];
  const most = Math.min(1 / scale, Math.min(x2 - x1, y2 - y1) / LEAST_STEPS);
  const step = most >= 2 ? 2 ** Math.floor(Math.log2(most)) : 1;
  const paths = pathsOf(rle);
  let path = paths.get(step);
  if (!path) paths.set(step, (path = drawn(rle, step)));
  return path;
}

/** @param {Rle} rle @param {number} step pixels of the picture along the side of one step @returns {Path2D} */
function drawn(rle, step) {
  const whole = { bounds: boundsOf(rle), height: rle.size[0] };
  const { bounds, height } = step > 1 ? reduced(whole.bounds, whole.height, step) : whole;
  const path = new Path2D();
  for (const ring of rings(bounds, height)) {
    path.moveTo(ring[0] * step, ring[1] * step);
    for (let at = 2; at < ring.length; at += 2) path.lineTo(ring[at] * step, ring[at + 1] * step);
    path.closePath();
  }
  return path;
}
