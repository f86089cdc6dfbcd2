/** Saving: every change goes to the server by itself, in order, one at a time, and waits where the server is gone. */

import { RefusedError, UnreachableError } from "./api.js";
import { Ledger, thingOf } from "./ledger.js";

/** @typedef {import("./types.js").Thing} Thing */
/** @typedef {import("./state.js").Store} Store */

const KEPT = "anymask.unsent."; // and the picture's id: changes that outlive the page

export class Sync {
  /** @param {Store} store @param {import("./api.js").Api} api */
  constructor(store, api) {
    this.store = store;
    this.api = api;
    /** @type {Map<string, Ledger>} */
    this.ledgers = new Map();
    /** Pictures whose things on the server are to be read again. @type {Set<string>} */
    this.stale = new Set();
    /** @type {Promise<void>|null} */
    this.running = null;
    store.watch((state) => [state.things, state.answering], (_, state) => {
      // While a picture is being opened the state holds no things of it, which must not be taken for deleted
      const ledger = state.thingsOf && this.ledgers.get(state.thingsOf);
      if (!ledger) return;
      ledger.wanted = state.things;
      this.run();
    });
    store.watch((state) => state.connection, (connection) => {
      if (connection === "online") this.run();
    });
  }

  /**
   * The things of a picture; read from the server when it is first opened, with what was left unsent.
   * @param {string} image
   * @returns {Promise<Thing[]>}
   */
  async open(image) {
    let ledger = this.ledgers.get(image);
    if (!ledger) {
      const { objects } = await this.api.json("GET", `/v1/images/${image}/objects`, { patient: true });
      ledger = new Ledger();
      ledger.merge(objects);
      const kept = localStorage.getItem(KEPT + image);
      if (kept) ledger.restore(kept);
      this.ledgers.set(image, ledger);
    } else this.changed(image);
    return ledger.wanted;
  }

  /** @param {string} image somebody changed its things, maybe this page */
  changed(image) {
    if (!this.ledgers.has(image)) return;
    this.stale.add(image);
    this.run();
  }

  /** @returns {Promise<void>} when all that can be sent is sent */
  async flush() {
    await this.run();
  }

  /** Start sending, where it is not going on already. */
  run() {
    this.tell();
    this.running ??= this.send().finally(() => {
      this.running = null;
      this.tell();
    });
    return this.running;
  }

  async send() {
    await Promise.resolve(); // let several changes of one moment come together
    for (;;) {
      const work = this.next();
      if (!work) return;
      try {
        if (work.change) await this.push(work.image, work.ledger, work.change);
        else await this.pull(work.image, work.ledger);
      } catch (error) {
        if (error instanceof UnreachableError) return;
        throw error;
      }
      this.tell();
    }
  }

  next() {
    if (this.store.state.connection === "offline") return null;
    for (const [image, ledger] of this.ledgers) {
      const [change] = ledger.unsent(this.store.state.answering);
      if (change) return { image, ledger, change };
    }
    for (const image of this.stale) {
      const ledger = this.ledgers.get(image);
      this.stale.delete(image);
      if (ledger) return { image, ledger, change: null };
    }
    return null;
  }

  /** @param {string} image @param {Ledger} ledger @param {{id: string, thing: Thing|null, revision: number}} change */
  async push(image, ledger, { id, thing, revision }) {
    const address = `/v1/images/${image}/objects/${id}`;
    try {
      if (thing) {
        const kept = await this.api.json("PUT", address, { body: ledger.bodyOf(thing) });
        ledger.confirm(id, thing, kept.revision, kept.looks);
      } else {
        const kept = await this.api.json("DELETE", `${address}?revision=${revision}`);
        ledger.confirm(id, null, kept.revision);
      }
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (error.status === 409) await this.conflict(image, ledger, id, thing, error.body?.object ?? null);
      else if (!thing && error.status === 404) ledger.confirm(id, null, revision);
      else if (thing) {
        ledger.refused.set(thing, error.message);
        this.store.set({ notice: { text: `This could not be saved: ${error.message}`, kind: "error", id: Date.now() } });
      } else ledger.confirm(id, null, revision);
    }
  }

  /**
   * Somebody else changed it meanwhile. What was deleted here comes back as theirs; else the person chooses.
   * @param {string} image @param {Ledger} ledger @param {string} id @param {Thing|null} mine
   * @param {(Thing & {revision: number})|null} theirs
   */
  async conflict(image, ledger, id, mine, theirs) {
    const revision = theirs?.revision ?? (await this.latest(image, id));
    if (!mine) {
      ledger.saved.delete(id);
      if (theirs) this.adopt(image, ledger, ledger.merge([...this.others(ledger, id), theirs]));
      return;
    }
    ledger.conflicts = [...ledger.conflicts, { mine, theirs: theirs && thingOf(theirs), revision }];
    this.show(image, ledger);
  }

  /** @param {Ledger} ledger @param {string} id things known to be there, so that a merge does not take them for deleted */
  others(ledger, id) {
    return [...ledger.saved]
      .filter(([other, saved]) => other !== id && saved.thing)
      .map(([, saved]) => ({ .../** @type {Thing} */ (saved.thing), revision: saved.revision }));
  }

  /** @param {string} image @param {string} id @returns {Promise<number>} the revision of a thing that was deleted */
  async latest(image, id) {
    const { versions } = await this.api.json("GET", `/v1/images/${image}/objects/${id}/history`);
    return versions.at(-1)?.revision ?? 0;
  }

  /**
   * End a conflict as a person decided.
   * @param {import("./state.js").Conflict} conflict @param {"mine"|"theirs"|"both"} choice @param {string} newId for "both"
   */
  resolve(conflict, choice, newId) {
    const image = this.store.state.image?.id ?? "";
    const ledger = this.ledgers.get(image);
    if (!ledger) return;
    ledger.conflicts = ledger.conflicts.filter((each) => each !== conflict);
    const { mine, theirs, revision } = conflict;
    ledger.saved.set(mine.id, { thing: theirs, revision });
    if (choice !== "mine") {
      const now = ledger.wanted.find((thing) => thing.id === mine.id) ?? mine;
      const kept = ledger.wanted.flatMap((thing) => (thing.id !== mine.id ? [thing] : theirs ? [theirs] : []));
      ledger.wanted = choice === "both" ? [...kept, { ...now, id: newId }] : kept;
    }
    this.show(image, ledger);
    this.adopt(image, ledger, ledger.wanted);
    this.run();
  }

  /** @param {string} image @param {Ledger} ledger read what the server holds */
  async pull(image, ledger) {
    try {
      const { objects } = await this.api.json("GET", `/v1/images/${image}/objects`);
      this.adopt(image, ledger, ledger.merge(objects));
    } catch (error) {
      if (!(error instanceof RefusedError)) {
        this.stale.add(image);
        throw error;
      }
    }
  }

  /** @param {string} image @param {Ledger} ledger @param {Thing[]} things */
  adopt(image, ledger, things) {
    const { state } = this.store;
    if (state.thingsOf !== image || state.things === things) return;
    ledger.wanted = things;
    this.store.set({ things, chosen: state.chosen.filter((id) => things.some((thing) => thing.id === id)) });
  }

  /** @param {string} image @param {Ledger} ledger */
  show(image, ledger) {
    if (this.store.state.image?.id === image) this.store.set({ conflicts: ledger.conflicts });
  }

  /** How much is unsaved, for people; and for the browser to keep, should the page be closed before the server is back. */
  tell() {
    let unsaved = 0;
    for (const [image, ledger] of this.ledgers) {
      const count = ledger.unsaved;
      unsaved += count;
      try {
        if (count) localStorage.setItem(KEPT + image, ledger.toJson());
        else localStorage.removeItem(KEPT + image);
      } catch {
        // The browser's store is full or forbidden: the changes are still in the page
      }
    }
    if (unsaved !== this.store.state.unsaved) this.store.set({ unsaved });
  }
}
