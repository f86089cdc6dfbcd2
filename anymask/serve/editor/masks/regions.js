/** Connected regions of a mask: filling holes and removing islands, on runs alone. */

import { combine, eachColumnRun, joinTouching } from "./runs.js";

/** @typedef {import("./rle.js").Bounds} Bounds */

/**
 * Runs with the number of the region each belongs to; regions touch by edges, not corners.
 * @param {Bounds} bounds @param {number} height
 */
function regions(bounds, height) {
  /** @type {number[]} */
  const columns = [];
  /** @type {number[]} */
  const tops = [];
  /** @type {number[]} */
  const bottoms = [];
  eachColumnRun(bounds, height, (x, y1, y2) => {
    columns.push(x);
    tops.push(y1);
    bottoms.push(y2);
  });
  const parent = columns.map((_, index) => index);
  /** @param {number} index */
  const root = (index) => {
    while (parent[index] !== index) {
      parent[index] = parent[parent[index]];
      index = parent[index];
    }
    return index;
  };
  let left = 0; // the first run of the column before that may still touch
  for (let run = 0; run < columns.length; run++) {
    while (left < run && (columns[left] < columns[run] - 1 || (columns[left] === columns[run] - 1 && bottoms[left] <= tops[run]))) left++;
    for (let other = left; other < run && columns[other] === columns[run] - 1 && tops[other] < bottoms[run]; other++) {
      parent[root(other)] = root(run);
    }
  }
  return { columns, tops, bottoms, root };
}

/**
 * The runs whose region is wanted.
 * @param {ReturnType<typeof regions>} found @param {number} height
 * @param {(root: number) => boolean} wanted
 * @returns {Bounds}
 */
function runsOf(found, height, wanted) {
  /** @type {number[]} */
  const runs = [];
  for (let run = 0; run < found.columns.length; run++) {
    const start = found.columns[run] * height;
    if (wanted(found.root(run))) runs.push(start + found.tops[run], start + found.bottoms[run]);
  }
  return joinTouching(runs);
}

/**
 * The mask and every hole in it: what is outside but cannot reach the edge of the picture.
 * @param {Bounds} bounds @param {number} height @param {number} width
 * @returns {Bounds}
 */
export function fillHoles(bounds, height, width) {
  const outside = regions(combine(Int32Array.of(0, height * width), bounds, "subtract"), height);
  /** @type {Set<number>} */
  const open = new Set();
  for (let run = 0; run < outside.columns.length; run++) {
    const x = outside.columns[run];
    if (x === 0 || x === width - 1 || outside.tops[run] === 0 || outside.bottoms[run] === height) open.add(outside.root(run));
  }
  return combine(bounds, runsOf(outside, height, (root) => !open.has(root)), "union");
}

/**
 * The mask's largest region alone; of equal ones the leftmost.
 * @param {Bounds} bounds @param {number} height
 * @returns {Bounds}
 */
export function removeIslands(bounds, height) {
  const found = regions(bounds, height);
  /** @type {Map<number, number>} */
  const areas = new Map();
  for (let run = 0; run < found.columns.length; run++) {
    const root = found.root(run);
    areas.set(root, (areas.get(root) ?? 0) + found.bottoms[run] - found.tops[run]);
  }
  let best = -1;
  for (const [root, pixels] of areas) if (best < 0 || pixels > (areas.get(best) ?? 0)) best = root;
  return runsOf(found, height, (root) => root === best);
}
