/** Changes to the things of a picture, each of which can be undone. Everything that edits goes through here. */

import { activeThing } from "./state.js";
import { History } from "./undo.js";

/** @typedef {import("./types.js").Thing} Thing */
/** @typedef {import("./undo.js").Work} Changed */

export class Work {
  /** @param {import("./state.js").Store} store */
  constructor(store) {
    this.store = store;
    /** One history for each picture, kept while the page is open. @type {Map<string, History>} */
    this.histories = new Map();
  }

  get history() {
    const image = this.store.state.image?.id ?? "";
    let history = this.histories.get(image);
    if (!history) this.histories.set(image, (history = new History()));
    return history;
  }

  /**
   * One step that can be undone.
   * @param {string} name for people
   * @param {Thing[]} things
   * @param {string[]} [chosen]
   */
  change(name, things, chosen = this.store.state.chosen) {
    const { state } = this.store;
    if (!state.thingsOf) return this.tell("One moment: the picture is not open yet.");
    const ids = new Set(things.map((thing) => thing.id));
    const after = { things, chosen: chosen.filter((id) => ids.has(id)) };
    this.store.set(this.history.record(name, { things: state.things, chosen: state.chosen }, after));
    return undefined;
  }

  /**
   * Another version of one thing, as a step.
   * @param {string} name @param {Thing} thing @param {Partial<Thing>} fields
   * @returns {Thing} the new version
   */
  replace(name, thing, fields) {
    const next = { ...thing, ...fields };
    this.change(name, this.store.state.things.map((each) => (each.id === thing.id ? next : each)));
    return next;
  }

  /**
   * A better version of a thing that belongs to the step that made it. Nothing happens where the person went on meanwhile.
   * @param {Thing} old @param {Partial<Thing>} fields
   * @returns {boolean} whether it still stood
   */
  amend(old, fields) {
    const better = { ...old, ...fields };
    this.history.amend(old, better);
    const stands = this.store.state.things.includes(old);
    if (stands) this.store.set({ things: this.store.state.things.map((thing) => (thing === old ? better : thing)) });
    return stands;
  }

  /** @param {"undo"|"redo"} way @returns {string|null} the name of the step, null where there is none */
  step(way) {
    const result = this.history[way](this.store.state.things);
    if (!result) return null;
    const ids = new Set(result.things.map((thing) => thing.id));
    this.store.set({ things: result.things, chosen: result.chosen.filter((id) => ids.has(id)) });
    return result.name;
  }

  /** The thing that is worked on, if it may be changed; what stops that is told. */
  get editable() {
    const thing = activeThing(this.store.state);
    if (!thing) this.tell("Select an object first.");
    else if (thing.locked) this.tell("This object is locked. Unlock it in the list to change it.");
    return thing && !thing.locked ? thing : null;
  }

  /** @param {string} text @param {"info"|"error"} [kind] */
  tell(text, kind = "info") {
    this.store.set({ notice: { text, kind, id: Date.now() + Math.random() } });
  }
}

/** @returns {string} 32 hex digits at random */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
