/** What a click or a box can mean: the server's candidates for it, from the part to the whole. A thing is one of them. */

import { areaOf } from "./masks/shapes.js";
import { activeThing } from "./state.js";

/** @typedef {import("./types.js").Thing} Thing */
/** @typedef {import("./types.js").Picked & {rle: import("./types.js").Rle}} Choice */

export class Choices {
  /**
   * @param {import("./state.js").Store} store @param {import("./work.js").Work} work
   * @param {import("./picking.js").Picking} picking
   */
  constructor(store, work, picking) {
    this.store = store;
    this.work = work;
    this.picking = picking;
  }

  /** The next larger thing that was meant; after the largest the smallest. They are asked for where they are not known. */
  async step() {
    const thing = this.work.editable;
    if (!thing) return;
    if (!hasChoices(thing)) return this.work.tell("This object is more than one click or box. Undo brings that back.");
    if (this.store.state.answering.includes(thing.id)) return this.work.tell("One moment: the answer to this click is on its way.");
    if (!this.store.state.choices.has(thing.prompts)) {
      const answers = await this.picking.answering(thing, null, () => this.picking.candidates(thing.prompts));
      if (!answers || activeThing(this.store.state) !== thing) return;
    }
    const choices = choicesOf(this.store.state, thing);
    const next = choices[(choices.findIndex((choice) => isChosen(choice, thing)) + 1) % choices.length];
    if (next && !isChosen(next, thing)) this.choose(thing, next);
    else this.work.tell("It can mean nothing else.");
  }

  /** @param {Thing} thing @param {Choice} choice as a step that can be undone */
  choose(thing, { rank, id, score, rle }) {
    this.store.set({ preview: null });
    this.work.replace("Part or whole", thing, { rank, mask: id, score, rle, refine: null, zoom: null, looks: null });
  }
}

/** @param {Thing} thing @returns {boolean} whether it is the answer to one prompt that may be meant in several ways */
export function hasChoices({ prompts, edited, locked }) {
  return prompts.length === 1 && prompts[0].type !== "text" && !edited && !locked;
}

/** @param {import("./state.js").State} state @param {Thing} thing @returns {Choice[]} those known, the smallest first */
export function choicesOf({ choices }, { prompts }) {
  const known = (choices.get(prompts) ?? []).flatMap((each) => (each.rle ? [{ ...each, rle: each.rle }] : []));
  return known.sort((one, other) => areaOf(one.rle) - areaOf(other.rle));
}

/** @param {Choice} choice @param {Thing} thing @returns {boolean} */
export function isChosen(choice, thing) {
  return choice.rle.counts === thing.rle.counts;
}
