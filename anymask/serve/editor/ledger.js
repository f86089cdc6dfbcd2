/**
 * What of one picture's things is saved: what the server holds, what it should hold, and what is left to send.
 *
 * Things are compared by identity, as they never change: a thing is saved once the very object that was sent is the one
 * in the state.
 */

/** @typedef {import("./types.js").Thing} Thing */
/** @typedef {import("./state.js").Conflict} Conflict */

/**
 * @typedef {object} Saved what the server is known to hold
 * @property {number} revision
 * @property {Thing|null} thing null where it is deleted
 * @property {number|null} [looks] as the server told when it took the thing
 */

export class Ledger {
  constructor() {
    /** @type {Map<string, Saved>} */
    this.saved = new Map();
    /** @type {Thing[]} */
    this.wanted = [];
    /** @type {Conflict[]} */
    this.conflicts = [];
    /** Things that the server will not take as they are, with why. @type {Map<Thing, string>} */
    this.refused = new Map();
  }

  /**
   * What is left to send, in order; none of what is in conflict or was refused.
   * @param {string[]} [held] ids that are not to be sent yet
   * @returns {{id: string, thing: Thing|null, revision: number}[]}
   */
  unsent(held = []) {
    /** @type {{id: string, thing: Thing|null, revision: number}[]} */
    const left = [];
    const kept = new Set(this.conflicts.map((conflict) => conflict.mine.id).concat(held));
    const wanted = new Set();
    for (const thing of this.wanted) {
      wanted.add(thing.id);
      const saved = this.saved.get(thing.id);
      if (saved?.thing === thing || kept.has(thing.id) || this.refused.has(thing)) continue;
      left.push({ id: thing.id, thing, revision: saved?.revision ?? 0 });
    }
    for (const [id, saved] of this.saved) {
      if (saved.thing && !wanted.has(id) && !kept.has(id)) left.push({ id, thing: null, revision: saved.revision });
    }
    return left;
  }

  /** How many changes are not saved, those in conflict among them. */
  get unsaved() {
    return this.unsent().length + this.conflicts.length + this.refused.size;
  }

  /** @param {string} id @param {Thing|null} thing @param {number} revision the server has taken it @param {number|null} [looks] */
  confirm(id, thing, revision, looks = null) {
    this.saved.set(id, { thing, revision, looks });
  }

  /**
   * What is sent of a thing. A mask that was answered before goes on belonging to the looks that the server told of then.
   * @param {Thing} thing
   */
  bodyOf(thing) {
    const { id, ...fields } = thing;
    const saved = this.saved.get(id);
    const same = saved?.thing?.prompts === thing.prompts && saved.thing.rank === thing.rank;
    return { ...fields, looks: thing.looks ?? (same ? (saved?.looks ?? null) : null), revision: saved?.revision ?? 0 };
  }

  /**
   * What the server holds now; what nobody changed here is taken over.
   * @param {(Thing & {revision: number})[]} objects all of the picture's
   * @returns {Thing[]} what is wanted after that; the same array where nothing is new
   */
  merge(objects) {
    let wanted = this.wanted;
    const there = new Set(objects.map((object) => object.id));
    for (const object of objects) {
      const saved = this.saved.get(object.id);
      if (saved && object.revision <= saved.revision) continue;
      const mine = wanted.find((thing) => thing.id === object.id) ?? null;
      if (mine !== (saved?.thing ?? null)) continue; // changed here too: sending it will tell
      const theirs = thingOf(object);
      this.saved.set(object.id, { thing: theirs, revision: object.revision });
      wanted = mine ? wanted.map((thing) => (thing === mine ? theirs : thing)) : [...wanted, theirs];
    }
    for (const [id, saved] of this.saved) {
      if (there.has(id) || !saved.thing) continue;
      const mine = wanted.find((thing) => thing.id === id) ?? null;
      if (mine !== saved.thing) continue;
      this.saved.set(id, { thing: null, revision: saved.revision + 1 });
      wanted = wanted.filter((thing) => thing.id !== id);
    }
    this.wanted = wanted;
    return wanted;
  }

  /** What a browser keeps where the server is gone, as JSON. */
  toJson() {
    return JSON.stringify(this.unsent());
  }

  /**
   * Take up what was kept before the page was closed.
   * @param {string} json of toJson
   * @returns {Thing[]} what is wanted after that
   */
  restore(json) {
    for (const { id, thing, revision } of JSON.parse(json)) {
      const at = this.wanted.findIndex((each) => each.id === id);
      const saved = this.saved.get(id);
      // The revision it was made from stays the one to send, so that a change of somebody else's since is a conflict
      if (saved && saved.revision !== revision) this.saved.set(id, { thing: saved.thing, revision });
      if (!thing) this.wanted = this.wanted.filter((each) => each.id !== id);
      else if (at >= 0) this.wanted = this.wanted.with(at, thing);
      else this.wanted = [...this.wanted, thing];
    }
    return this.wanted;
  }
}

/** @param {Thing & Record<string, unknown>} object of the server @returns {Thing} */
export function thingOf({ id, label, colour, visible, locked, prompts, rank, mask, edited, score, rle, prompt, refine, zoom, looks }) {
  return { id, label, colour, visible, locked, prompts, rank, mask, edited, score, rle, prompt, refine, zoom, looks };
}
