// The mask modules against cases that pycocotools and SciPy made: see make_cases.py
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { rings } from "../../anymask/serve/editor/masks/contour.js";
import { buildIndexMap } from "../../anymask/serve/editor/masks/index_map.js";
import { MaskIndex } from "../../anymask/serve/editor/masks/mask_index.js";
import { fillHoles, removeIslands } from "../../anymask/serve/editor/masks/regions.js";
import { decode, encode } from "../../anymask/serve/editor/masks/rle.js";
import { area, boxOf, combine, contains, iou, reduced } from "../../anymask/serve/editor/masks/runs.js";
import { strokeBounds } from "../../anymask/serve/editor/masks/stroke.js";

const cases = JSON.parse(readFileSync(new URL("cases.json", import.meta.url), "utf8"));

/** @param {string[]} rows */
function boundsOfRows(rows) {
  const bounds = [];
  let inside = false;
  for (let x = 0; x < rows[0].length; x++) {
    for (let y = 0; y < rows.length; y++) {
      const now = rows[y][x] === "#";
      if (now !== inside) bounds.push(x * rows.length + y);
      inside = now;
    }
  }
  if (inside) bounds.push(rows.length * rows[0].length);
  return Int32Array.from(bounds);
}

/** @param {Int32Array} bounds @param {number} height @param {number} width */
function rowsOf(bounds, height, width) {
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => (contains(bounds, x + 0.5, y + 0.5, height) ? "#" : ".")).join(""),
  );
}

test("run lengths are read and written as pycocotools does", () => {
  for (const { rows, counts } of cases.single) {
    const pixels = rows.length * rows[0].length;
    const bounds = decode(counts, pixels);
    assert.deepEqual(bounds, boundsOfRows(rows));
    assert.equal(encode(bounds, pixels), counts);
    assert.deepEqual(rowsOf(bounds, rows.length, rows[0].length), rows);
  }
});

test("run lengths that are none are refused", () => {
  assert.throws(() => decode("54", 20), /20 pixels was expected, got one of 9/);
  assert.throws(() => decode("é", 20), /none of theirs/);
  assert.throws(() => decode("P", 20), /cut off/);
});

test("areas and boxes", () => {
  for (const { rows, counts, area: pixels, box } of cases.single) {
    const bounds = decode(counts, rows.length * rows[0].length);
    assert.equal(area(bounds), pixels);
    assert.deepEqual(boxOf(bounds, rows.length), [box[0], box[1], box[0] + box[2], box[1] + box[3]]);
  }
});

test("union, subtract, intersect", () => {
  for (const { size, first, second, ...expected } of cases.pairs) {
    const pixels = size[0] * size[1];
    const one = decode(first, pixels);
    const other = decode(second, pixels);
    for (const way of ["union", "subtract", "intersect"]) assert.equal(encode(combine(one, other, way), pixels), expected[way]);
    assert.equal(iou(one, one), area(one) ? 1 : 0);
  }
});

test("holes are filled and islands removed", () => {
  for (const { rows, counts, filled, largest } of cases.single) {
    const pixels = rows.length * rows[0].length;
    const bounds = decode(counts, pixels);
    assert.equal(encode(fillHoles(bounds, rows.length, rows[0].length), pixels), filled);
    assert.equal(encode(removeIslands(bounds, rows.length), pixels), largest);
  }
});

test("an outline goes round exactly the pixels, holes the other way", () => {
  for (const { rows, counts, area: pixels } of cases.single) {
    const bounds = decode(counts, rows.length * rows[0].length);
    const sum = rings(bounds, rows.length)
      .map((ring) => {
        let twice = 0;
        for (let at = 0; at < ring.length; at += 2) {
          const next = (at + 2) % ring.length;
          twice += ring[at] * ring[next + 1] - ring[next] * ring[at + 1];
        }
        return twice / 2;
      })
      .reduce((one, other) => one + other, 0);
    assert.equal(sum, pixels);
  }
  const hole = rings(boundsOfRows([".....", ".###.", ".#.#.", ".###.", "....."]), 5);
  assert.deepEqual(hole.map((ring) => ring.length), [8, 8]); // two squares
  assert.equal(rings(boundsOfRows(["#.", ".#"]), 2).length, 2); // corners do not join
});

test("a coarse outline is that of the mask in a smaller picture", () => {
  const rows = Array.from({ length: 64 }, (_, y) => Array.from({ length: 80 }, (_, x) => (Math.hypot(x - 40, y - 30) < 22 ? "#" : ".")).join(""));
  const small = reduced(boundsOfRows(rows), 64, 4);
  assert.equal(small.height, 16);
  assert.ok(Math.abs(area(small.bounds) * 16 - area(boundsOfRows(rows))) < 100);
  assert.equal(contains(small.bounds, 10, 7, 16), true);
  assert.equal(contains(small.bounds, 1, 7, 16), false);
});

test("a brush paints discs, lines without gaps, and single pixels", () => {
  const at = (x, y) => ({ x, y });
  const painted = (path, size) => rowsOf(strokeBounds(path, size, 5, 6), 5, 6);
  assert.deepEqual(painted([at(2.9, 1.2)], 1), ["......", "..#...", "......", "......", "......"]);
  assert.deepEqual(painted([at(0.5, 0.5), at(4.5, 4.5)], 1), ["#.....", ".#....", "..#...", "...#..", "....#."]);
  assert.deepEqual(painted([at(2.5, 2.5)], 3), ["......", ".###..", ".###..", ".###..", "......"]);
  assert.deepEqual(painted([at(0.5, 2.5), at(5.5, 2.5)], 3)[2], "######");
  assert.deepEqual(painted([at(-9, -9)], 4), Array(5).fill("......")); // outside the picture
  // Every pixel whose centre is near enough, and no other, for a slanted stroke
  const path = [at(10.3, 8.1), at(31.7, 20.4), at(12, 33)];
  const bounds = strokeBounds(path, 9, 40, 45);
  const near = (x, y, a, b) => {
    const t = Math.min(1, Math.max(0, ((x - a.x) * (b.x - a.x) + (y - a.y) * (b.y - a.y)) / ((b.x - a.x) ** 2 + (b.y - a.y) ** 2)));
    return Math.hypot(x - a.x - t * (b.x - a.x), y - a.y - t * (b.y - a.y)) <= 4.5;
  };
  for (let x = 0; x < 45; x++) {
    for (let y = 0; y < 40; y++) {
      const expected = near(x + 0.5, y + 0.5, path[0], path[1]) || near(x + 0.5, y + 0.5, path[1], path[2]);
      assert.equal(contains(bounds, x, y, 40), expected, `${x}, ${y}`);
    }
  }
});

/** Three masks in each other and one beside, the first of which has a lookalike. */
function nested(mostCells) {
  const draw = (x1, y1, x2, y2) => {
    const rows = Array.from({ length: 20 }, (_, y) => Array.from({ length: 30 }, (_, x) => (x >= x1 && x < x2 && y >= y1 && y < y2 ? "#" : ".")).join(""));
    return { size: [20, 30], counts: encode(boundsOfRows(rows), 600) };
  };
  const boxes = [[0, 0, 20, 20], [0, 0, 20, 19], [2, 2, 12, 12], [4, 4, 6, 6], [22, 3, 28, 9], [13, 2, 15, 4]];
  const parents = [-1, 0, 1, 2, -1, 1];
  const masks = boxes.map((box, id) => ({ id, box, score: id === 5 ? 0.01 : 0.9, parent: parents[id], rle: draw(...box) }));
  const shown = masks.map((mask) => mask.score >= 0.05);
  const map = buildIndexMap(masks.map((mask) => mask.rle), 30, 20, shown, mostCells);
  return new MaskIndex(masks, 30, 20, map, shown);
}

for (const [name, mostCells, step] of [["a cell for each pixel", 1e6, 1], ["cells of several pixels", 100, 3]]) {
  test(`the smallest mask at a pixel, with ${name}`, () => {
    const index = nested(mostCells);
    assert.equal(index.map.step, step);
    assert.deepEqual([index.at(5, 5), index.at(8.5, 8.5), index.at(1, 18.5), index.at(25, 6), index.at(29, 1)], [3, 2, 1, 4, -1]);
    assert.equal(index.at(14, 3), 1); // not the one that scores too low
    assert.deepEqual([index.at(-1, 3), index.at(30, 3), index.at(3, 20), index.at(NaN, 3)], [-1, -1, -1, -1]);
  });
}

test("from part to whole without lookalikes, and to siblings", () => {
  const index = nested(1e6);
  assert.deepEqual(index.chain(3), [3, 2, 1]);
  assert.deepEqual(index.siblings(3), [3]);
  assert.deepEqual(index.children(-1), [0, 1, 4]);
  assert.equal(index.parent(4), -1);
});
