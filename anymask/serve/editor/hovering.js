/** What is outlined before a click, and the walk from part to whole. Asks nobody. */

import { contains } from "./masks/runs.js";
import { boundsOf, areaOf } from "./masks/shapes.js";

/** @typedef {import("./types.js").Point} Point */

export class Hovering {
  /** @param {import("./state.js").Store} store */
  constructor(store) {
    this.store = store;
  }

  /** @param {Point} at in source pixels: outline what lies there */
  at(at) {
    const { index, hover, described } = this.store.state;
    if (!index) return;
    const fits = this.match(at, described.matches);
    const lit = fits >= 0 ? fits : this.match(at, described.below);
    const smallest = lit >= 0 ? lit : index.at(at.x, at.y);
    if (smallest < 0) {
      if (hover) this.store.set({ hover: null });
    } else if (hover?.smallest !== smallest || hover.walked) {
      this.store.set({ hover: { smallest, mask: smallest, path: [], walked: false, quiet: false } });
    }
  }

  /** @param {Point} at @param {{mask: number|null, rle: import("./types.js").Rle}[]} matches @returns {number} what words found goes before */
  match(at, matches) {
    let best = -1;
    let least = Infinity;
    for (const { mask, rle } of matches) {
      if (mask === null || areaOf(rle) >= least) continue;
      if (contains(boundsOf(rle), at.x, at.y, rle.size[0])) [best, least] = [mask, areaOf(rle)];
    }
    return best;
  }

  /** It was clicked: show what came of it, and its outline again when the pointer has been elsewhere. */
  hush() {
    const { hover } = this.store.state;
    if (hover) this.store.set({ hover: { ...hover, quiet: true } });
  }

  /** Outline nothing. */
  leave() {
    if (this.store.state.hover) this.store.set({ hover: null });
  }

  /** @param {1|-1} step up to the whole, or down to the part that it was reached from, or else its largest part */
  climb(step) {
    const { index, hover } = this.store.state;
    if (!index) return;
    if (!hover) return this.first();
    const { mask, path } = hover;
    if (step > 0) {
      const parent = index.parent(mask);
      if (parent >= 0) this.store.set({ hover: { ...hover, quiet: false, mask: parent, path: [...path, mask] } });
    } else if (path.length) this.store.set({ hover: { ...hover, quiet: false, mask: path[path.length - 1], path: path.slice(0, -1) } });
    else {
      const [part] = [...index.children(mask)].sort((one, other) => index.map.areas[other] - index.map.areas[one]);
      if (part !== undefined) this.store.set({ hover: { smallest: part, mask: part, path: [], walked: hover.walked, quiet: false } });
    }
    return undefined;
  }

  /** @param {1|-1} step to the next mask beside this one, or the one before */
  beside(step) {
    const { index, hover } = this.store.state;
    if (!index) return;
    if (!hover) return this.first();
    const masks = index.siblings(hover.mask);
    const at = masks.indexOf(hover.mask);
    const mask = masks[(at + step + masks.length) % masks.length];
    if (mask !== undefined) this.store.set({ hover: { smallest: mask, mask, path: [], walked: true, quiet: false } });
    return undefined;
  }

  /** With keys alone one begins at the largest of all. */
  first() {
    const { index } = this.store.state;
    if (!index) return;
    const [mask] = [...index.children(-1)].sort((one, other) => index.map.areas[other] - index.map.areas[one]);
    if (mask !== undefined) this.store.set({ hover: { smallest: mask, mask, path: [], walked: true, quiet: false } });
  }

  /** @returns {Point|null} a pixel of the outlined mask, well inside: the middle of its longest run */
  get place() {
    const { index, hover } = this.store.state;
    if (!index || !hover) return null;
    const bounds = boundsOf(index.masks[hover.mask].rle);
    const { height } = index;
    let best = 0;
    for (let at = 0; at < bounds.length; at += 2) if (bounds[at + 1] - bounds[at] > bounds[best + 1] - bounds[best]) best = at;
    const middle = Math.floor((bounds[best] + bounds[best + 1] - 1) / 2);
    return { x: Math.floor(middle / height) + 0.5, y: (middle % height) + 0.5 };
  }
}
