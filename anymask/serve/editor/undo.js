/** Undo without an end: a stack of changes to things, each of which knows both what was and what is. */

/** @typedef {import("./types.js").Thing} Thing */

/**
 * @typedef {object} Change one step that a person made
 * @property {string} name for people, such as "Brush"
 * @property {{id: string, before: Thing|null, after: Thing|null, place: number}[]} parts what became of each thing; place
 *   is its index among the things, to come back to
 * @property {string[]} chosenBefore
 * @property {string[]} chosenAfter
 */

/** @typedef {{things: Thing[], chosen: string[]}} Work */

export class History {
  constructor() {
    /** @type {Change[]} */
    this.done = [];
    /** @type {Change[]} */
    this.undone = [];
  }

  /**
   * The work after a change, which can be undone from now on; what was undone before is gone.
   * @param {string} name
   * @param {Work} before
   * @param {Work} after
   * @returns {Work}
   */
  record(name, before, after) {
    /** @type {Change["parts"]} */
    const parts = [];
    const was = new Map(before.things.map((thing) => [thing.id, thing]));
    const is = new Map(after.things.map((thing) => [thing.id, thing]));
    before.things.forEach((thing, place) => {
      const now = is.get(thing.id) ?? null;
      if (now !== thing) parts.push({ id: thing.id, before: thing, after: now, place });
    });
    after.things.forEach((thing, place) => {
      if (!was.has(thing.id)) parts.push({ id: thing.id, before: null, after: thing, place });
    });
    if (!parts.length) return after;
    this.done.push({ name, parts, chosenBefore: before.chosen, chosenAfter: after.chosen });
    this.undone = [];
    return after;
  }

  /** @param {Thing[]} things @returns {(Work & {name: string})|null} null where there is nothing to undo */
  undo(things) {
    const change = this.done.pop();
    if (!change) return null;
    this.undone.push(change);
    return { name: change.name, things: applied(things, change, "before"), chosen: change.chosenBefore };
  }

  /** @param {Thing[]} things @returns {(Work & {name: string})|null} null where there is nothing to redo */
  redo(things) {
    const change = this.undone.pop();
    if (!change) return null;
    this.done.push(change);
    return { name: change.name, things: applied(things, change, "after"), chosen: change.chosenAfter };
  }

  /**
   * A better mask of the same step arrived: put it wherever the old version stands, so that it is no step of its own.
   * @param {Thing} old @param {Thing} better
   */
  amend(old, better) {
    for (const change of [...this.done, ...this.undone]) {
      for (const part of change.parts) {
        if (part.before === old) part.before = better;
        if (part.after === old) part.after = better;
      }
    }
  }
}

/**
 * Places ascend, so that each thing finds those before it already there.
 * @param {Thing[]} things @param {Change} change @param {"before"|"after"} side
 * @returns {Thing[]}
 */
function applied(things, change, side) {
  const result = [...things];
  for (const part of change.parts) {
    const at = result.findIndex((thing) => thing.id === part.id);
    const thing = part[side];
    if (thing === null) {
      if (at >= 0) result.splice(at, 1);
    } else if (at >= 0) result[at] = thing;
    else result.splice(part.place, 0, thing);
  }
  return result;
}
