/** What can be done to things that are there: names, colours, order, and their masks by hand. */

import { boundsOf, areaOf } from "./masks/shapes.js";
import { fillHoles, removeIslands } from "./masks/regions.js";
import { encode } from "./masks/rle.js";
import { combine } from "./masks/runs.js";
import { strokeBounds } from "./masks/stroke.js";
import { joined } from "./picking.js";
import { activeThing } from "./state.js";

/** @typedef {import("./types.js").Thing} Thing */
/** @typedef {import("./masks/runs.js").Way} Way */

const WAY_NAMES = { union: "Union", subtract: "Subtract", intersect: "Intersect" };

export class Editing {
  /**
   * @param {import("./state.js").Store} store @param {import("./work.js").Work} work
   * @param {import("./picking.js").Picking} picking @param {import("./classes.js").Classes} classes
   */
  constructor(store, work, picking, classes) {
    this.store = store;
    this.work = work;
    this.picking = picking;
    this.classes = classes;
  }

  /** @param {Thing} thing @param {string} label as typed; a label known before brings its colour */
  label(thing, label) {
    const name = label.trim().slice(0, 200);
    if (name === thing.label) return;
    const known = this.classes.colourOf(name);
    const named = this.work.replace("Label", thing, { label: name, ...(known ? { colour: known } : {}) });
    this.classes.remember(name, named.colour);
  }

  /** @param {Thing} thing @param {string} colour "#rrggbb" */
  colour(thing, colour) {
    if (colour === thing.colour) return;
    this.work.replace("Colour", thing, { colour });
    this.classes.remember(thing.label, colour);
  }

  /** @param {Thing} thing */
  toggleVisible(thing) {
    this.work.replace(thing.visible ? "Hide" : "Show", thing, { visible: !thing.visible });
  }

  /** @param {Thing} thing */
  toggleLocked(thing) {
    this.work.replace(thing.locked ? "Unlock" : "Lock", thing, { locked: !thing.locked });
  }

  /** Delete what is selected, but for what is locked. */
  remove() {
    const { things, chosen } = this.store.state;
    const left = things.filter((thing) => thing.locked || !chosen.includes(thing.id));
    if (left.length < things.length) this.work.change("Delete", left, []);
    else if (chosen.length) this.work.tell("Locked objects are not deleted.");
  }

  /** @param {1|-1} step select the next thing, or the one before */
  chooseBeside(step) {
    const { things } = this.store.state;
    if (!things.length) return;
    const active = activeThing(this.store.state);
    const at = active ? things.indexOf(active) : step > 0 ? -1 : 0;
    this.store.set({ chosen: [things[(at + step + things.length) % things.length].id] });
  }

  /** @param {Way} way make one of the selected things; the first one selected is changed, the others go */
  join(way) {
    const { things, chosen } = this.store.state;
    const [first, ...others] = chosen.flatMap((id) => things.filter((thing) => thing.id === id));
    if (!first || !others.length) {
      this.work.tell(`${WAY_NAMES[way]} needs two objects: select one, then Shift or Ctrl and click others in the list.`);
      return;
    }
    if ([first, ...others].some((thing) => thing.locked)) {
      this.work.tell("One of these objects is locked. Unlock it in the list to change it.");
      return;
    }
    const rle = others.reduce((mask, other) => joined(mask, other.rle, way), first.rle);
    if (!areaOf(rle)) {
      this.work.tell("Nothing would be left of it.");
      return;
    }
    const next = { ...first, edited: true, rle };
    const left = things.flatMap((thing) => (thing === first ? [next] : others.includes(thing) ? [] : [thing]));
    this.work.change(WAY_NAMES[way], left, [first.id]);
  }

  fillHoles() {
    this.reshape("Fill holes", "There are no holes in it.", (bounds, [height, width]) => fillHoles(bounds, height, width));
  }

  removeIslands() {
    this.reshape("Remove islands", "It is all in one piece.", (bounds, [height]) => removeIslands(bounds, height));
  }

  /**
   * @param {string} name @param {string} nothing told where nothing changes
   * @param {(bounds: Int32Array, size: [number, number]) => Int32Array} change
   */
  reshape(name, nothing, change) {
    const thing = this.work.editable;
    if (!thing) return;
    const { size } = thing.rle;
    const counts = encode(change(boundsOf(thing.rle), size), size[0] * size[1]);
    if (counts === thing.rle.counts) this.work.tell(nothing);
    else this.work.replace(name, thing, { edited: true, rle: { size, counts } });
  }

  /**
   * Paint or erase along a path. Painting without a thing selected makes a new one.
   * @param {import("./types.js").Point[]} path @param {"brush"|"eraser"} tool
   */
  stroke(path, tool) {
    const { image, brushSize } = this.store.state;
    if (!image || !path.length) return;
    const bounds = strokeBounds(path, brushSize, image.height, image.width);
    const pixels = image.height * image.width;
    const active = activeThing(this.store.state);
    if (!active && tool === "brush") {
      if (bounds.length) this.picking.add({ edited: true, rle: { size: [image.height, image.width], counts: encode(bounds, pixels) } }, "Brush");
      return;
    }
    const thing = this.work.editable;
    if (!thing) return;
    const changed = combine(boundsOf(thing.rle), bounds, tool === "brush" ? "union" : "subtract");
    const counts = encode(changed, pixels);
    if (counts === thing.rle.counts) return;
    if (changed.length) this.work.replace(tool === "brush" ? "Brush" : "Erase", thing, { edited: true, rle: { size: thing.rle.size, counts } });
    else this.work.change("Erase", this.store.state.things.filter((each) => each !== thing));
  }
}
