/** The masks of one picture as they are walked: which lie at a pixel, from the smallest part to the whole. */

import { contains } from "./runs.js";
import { boundsOf } from "./shapes.js";

/** @typedef {import("../types.js").Mask} Mask */
/** @typedef {import("./index_map.js").IndexMap} IndexMap */

const ALIKE = 0.9; // a parent of which a mask fills more than this looks the same, and is stepped over

export class MaskIndex {
  /**
   * @param {Mask[]} masks
   * @param {number} width @param {number} height of the picture
   * @param {IndexMap} map
   * @param {boolean[]} shown
   */
  constructor(masks, width, height, map, shown) {
    this.masks = masks;
    this.width = width;
    this.height = height;
    this.map = map;
    this.shown = shown;
  }

  /** @param {number} x @param {number} y @returns {number} the smallest mask at a point, -1 for none */
  at(x, y) {
    if (!(x >= 0 && y >= 0 && x < this.width && y < this.height)) return -1;
    const { step, rows, cells } = this.map;
    let index = cells[Math.floor(x / step) * rows + Math.floor(y / step)];
    // A cell of several pixels names a mask somewhere in it: climb to the first that holds this pixel
    while (step > 1 && index >= 0 && !contains(boundsOf(this.masks[index].rle), x, y, this.height)) index = this.masks[index].parent;
    return index;
  }

  /** @param {number} index @returns {number[]} the mask, and from part to whole what it lies in, without lookalikes */
  chain(index) {
    const steps = [index];
    for (let up = this.masks[index]?.parent ?? -1; up >= 0; up = this.masks[up].parent) {
      const last = steps[steps.length - 1];
      if (this.shown[up] && this.map.areas[last] < ALIKE * this.map.areas[up]) steps.push(up);
    }
    return steps;
  }

  /** @param {number} index @returns {number} what the mask lies in, -1 for nothing */
  parent(index) {
    return this.chain(index)[1] ?? -1;
  }

  /** @param {number} index @returns {number[]} masks beside this one, itself among them, from left to right */
  siblings(index) {
    const parent = this.parent(index);
    return this.children(parent);
  }

  /** @param {number} parent -1 for what lies in nothing @returns {number[]} from left to right */
  children(parent) {
    const found = this.below.get(parent) ?? [];
    return found;
  }

  /** Parts of each mask, made when first asked for. */
  get below() {
    if (!this.parts) {
      /** @type {Map<number, number[]>} */
      const parts = new Map();
      this.masks.forEach((mask) => {
        if (!this.shown[mask.id]) return;
        const parent = this.parent(mask.id);
        const beside = parts.get(parent);
        if (beside) beside.push(mask.id);
        else parts.set(parent, [mask.id]);
      });
      for (const beside of parts.values()) {
        beside.sort((one, other) => this.masks[one].box[0] - this.masks[other].box[0] || one - other);
      }
      this.parts = parts;
    }
    return this.parts;
  }
}
