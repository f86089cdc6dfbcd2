/** The outline of a mask as closed rings along the edges of its pixels: exact, with holes. */

import { eachColumnRun } from "./runs.js";

/** @typedef {import("./rle.js").Bounds} Bounds */

/**
 * Rings of corners, x, y, x, y, ...; the mask lies to the right of the way along them, so holes run the other way round.
 * Pixels that touch by corners alone are apart.
 * @param {Bounds} bounds
 * @param {number} height of the picture
 * @returns {Int32Array[]}
 */
export function rings(bounds, height) {
  const edges = edgesOf(bounds, height);
  return linked(edges, height + 1);
}

/**
 * Directed edges between corners of pixels.
 * @param {Bounds} bounds @param {number} height
 * @returns {number[]} x1, y1, x2, y2 of each
 */
function edgesOf(bounds, height) {
  /** @type {number[]} */
  const edges = [];
  let column = -1;
  /** @type {number[]} */
  let before = []; // runs of the column before, y1, y2, ...
  /** @type {number[]} */
  let here = [];
  const close = () => {
    sides(before, here, column, edges);
    before = here;
    here = [];
  };
  eachColumnRun(bounds, height, (x, y1, y2) => {
    if (x !== column) {
      if (column >= 0) close();
      if (x !== column + 1 || column < 0) {
        if (column >= 0) sides(before, [], column + 1, edges);
        before = [];
      }
      column = x;
    }
    here.push(y1, y2);
    edges.push(x, y1, x + 1, y1, x + 1, y2, x, y2);
  });
  if (column >= 0) {
    close();
    sides(before, [], column + 1, edges);
  }
  return edges;
}

/**
 * The vertical edges between two columns: down where the mask is on the left alone, up where it is on the right alone.
 * @param {number[]} left @param {number[]} right @param {number} x @param {number[]} edges they are added here
 */
function sides(left, right, x, edges) {
  let i = 0;
  let j = 0;
  let start = 0;
  while (i < left.length || j < right.length) {
    const y = Math.min(left[i] ?? Infinity, right[j] ?? Infinity);
    const inLeft = i % 2 === 1;
    const inRight = j % 2 === 1;
    if (inLeft !== inRight && start < y) {
      if (inLeft) edges.push(x, start, x, y);
      else edges.push(x, y, x, start);
    }
    if (left[i] === y) i++;
    if (right[j] === y) j++;
    start = y;
  }
}

/**
 * Edges joined into rings; corners on a straight line are left out.
 * @param {number[]} edges @param {number} stride corners in a column of the picture
 * @returns {Int32Array[]}
 */
function linked(edges, stride) {
  /** @type {Map<number, number>} */
  const first = new Map();
  /** @type {Map<number, number>} */
  const second = new Map(); // where two rings touch by a corner
  for (let edge = 0; edge < edges.length; edge += 4) {
    const key = edges[edge] * stride + edges[edge + 1];
    if (first.has(key)) second.set(key, edge);
    else first.set(key, edge);
  }
  const used = new Uint8Array(edges.length / 4);
  /** @type {Int32Array[]} */
  const found = [];
  for (let begin = 0; begin < edges.length; begin += 4) {
    if (used[begin / 4]) continue;
    /** @type {number[]} */
    const ring = [];
    let edge = begin;
    while (!used[edge / 4]) {
      used[edge / 4] = 1;
      const dx = Math.sign(edges[edge + 2] - edges[edge]);
      const dy = Math.sign(edges[edge + 3] - edges[edge + 1]);
      const key = edges[edge + 2] * stride + edges[edge + 3];
      let next = /** @type {number} */ (first.get(key));
      const other = second.get(key);
      if (other !== undefined && (used[next / 4] || turnsRight(edges, other, dx, dy))) next = other;
      const straight = Math.sign(edges[next + 2] - edges[next]) === dx && Math.sign(edges[next + 3] - edges[next + 1]) === dy;
      if (!straight) ring.push(edges[edge + 2], edges[edge + 3]);
      edge = next;
    }
    found.push(Int32Array.from(ring));
  }
  return found;
}

/** @param {number[]} edges @param {number} edge @param {number} dx @param {number} dy */
function turnsRight(edges, edge, dx, dy) {
  return Math.sign(edges[edge + 2] - edges[edge]) === -dy && Math.sign(edges[edge + 3] - edges[edge + 1]) === dx;
}
