/** Points that are gathered while Ctrl is held, and asked for together when it is let go. */

import { pointPrompt, withPoints } from "./picking.js";
import { activeThing } from "./state.js";

/** @typedef {import("./types.js").Point} Point */

export class Gathering {
  /**
   * @param {import("./state.js").Store} store @param {import("./work.js").Work} work
   * @param {import("./picking.js").Picking} picking
   */
  constructor(store, work, picking) {
    this.store = store;
    this.work = work;
    this.picking = picking;
  }

  /** @param {Point} at in source pixels @param {import("./picking.js").Keys} keys @param {number} mask as of a click */
  add(at, { shift, alt }, mask) {
    const { gathered } = this.store.state;
    if (!gathered.length) this.work.tell("Click more points, then let go of Ctrl. Esc forgets them.");
    this.store.set({ gathered: [...gathered, { at, shift, alt, mask }] });
  }

  /** Forget the last one. @returns {boolean} whether there was one */
  drop() {
    const { gathered } = this.store.state;
    if (gathered.length) this.store.set({ gathered: gathered.slice(0, -1) });
    return gathered.length > 0;
  }

  /**
   * Have them answered: as a new object, or as more points of the one that is worked on, where Shift was held with one of
   * them or all of them take away. Before the masks are there they wait.
   */
  async send() {
    const { gathered, index } = this.store.state;
    if (!gathered.length || !index) return;
    this.store.set({ gathered: [] });
    const active = activeThing(this.store.state);
    const isMore = gathered.some(({ shift }) => shift) || gathered.every(({ alt }) => alt);
    const prompt = active && pointPrompt(active);
    if (gathered.length > 1 && !(active && isMore)) await this.picking.select(withPoints({ type: "point", points: [], labels: [] }, gathered), -1);
    else if (gathered.length > 1 && prompt) {
      const thing = this.work.editable;
      if (thing) await this.picking.prompted("Add points", thing, withPoints(prompt, gathered), thing.rle);
    } else for (const { at, alt, mask } of gathered) await this.picking.click(at, { shift: isMore, alt }, mask);
  }
}
