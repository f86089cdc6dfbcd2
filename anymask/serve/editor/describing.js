/** Selecting by words, while they are typed. Only the last thing typed is of interest. */

import { RefusedError } from "./api.js";
import { nothingDescribed } from "./state.js";

/** @typedef {import("./types.js").Query} Query */
/** @typedef {import("./state.js").Described} Described */

export class Describing {
  /**
   * @param {import("./state.js").Store} store @param {import("./api.js").Api} api
   * @param {import("./work.js").Work} work @param {import("./picking.js").Picking} picking
   */
  constructor(store, api, work, picking) {
    this.store = store;
    this.api = api;
    this.work = work;
    this.picking = picking;
    this.asking = new AbortController();
    // The first word for a thing has every mask labelled, which takes longest: so ask for one before anybody types
    store.watch((state) => Boolean(state.index), (there) => there && this.warm());
  }

  async warm() {
    const image = this.store.state.image?.id;
    try {
      if (image) await this.ask(image, "person", null, new AbortController().signal);
    } catch {
      // Typing will ask again
    }
  }

  /** @param {string} text as typed; chips that were changed are forgotten */
  type(text) {
    return this.describe(text, null);
  }

  /** @param {Query} query as chips were changed */
  edit(query) {
    return this.describe(this.store.state.described.text, query);
  }

  /** Forget it all. */
  clear() {
    this.asking.abort();
    this.store.set({ described: nothingDescribed() });
  }

  /** @param {string} text @param {Query|null} edited */
  async describe(text, edited) {
    this.asking.abort();
    const { signal } = (this.asking = new AbortController());
    const { state } = this.store;
    if (!text.trim()) {
      this.store.set({ described: { ...nothingDescribed(), text } });
      return;
    }
    this.store.set({ described: { ...state.described, text, edited, busy: true, lit: -1 } });
    const image = state.image?.id;
    if (!image || !state.index) return; // answered when the masks are there
    try {
      const answer = await this.ask(image, text, edited, signal);
      if (signal.aborted) return;
      const masks = this.store.state.index?.masks ?? [];
      const matches = answer.masks.flatMap(({ id, rle, score, rank }) => {
        const own = rle ?? (id === null ? null : masks[id]?.rle);
        return own ? [{ mask: id, rle: own, score, rank }] : [];
      });
      const [told] = answer.texts;
      const below = told.below.flatMap(({ id, score }) => (masks[id] ? [{ mask: id, rle: masks[id].rle, score }] : []));
      this.store.set({ described: { ...this.store.state.described, answer: told, matches, below, busy: false, said: "" } });
    } catch (error) {
      if (signal.aborted) return;
      const said = error instanceof RefusedError ? error.message.replace(/^prompts\[0\]: (text: )?/, "") : "The server does not answer; it is asked again when it is back.";
      this.store.set({ described: { ...this.store.state.described, busy: false, matches: [], below: [], answer: null, said } });
    }
  }

  /** Ask once more, when the masks are there or the server is back. */
  again() {
    const { text, edited } = this.store.state.described;
    if (text.trim()) this.describe(text, edited);
  }

  /** Make things of all that was found. @returns {boolean} whether there was anything */
  take() {
    const { described, things } = this.store.state;
    if (!described.matches.length) return false;
    const all = [...things];
    for (const match of described.matches) {
      if (!all.some((thing) => thing.rle === match.rle)) all.push(this.made(match.mask, match.rle, match.score, match.rank, all));
    }
    const added = all.slice(things.length);
    this.clear();
    if (!added.length) this.work.tell("These are objects already.");
    else this.work.change(added.length > 1 ? `Select ${added.length}` : "Select", all, added.map((thing) => thing.id));
    return true;
  }

  /** @param {number} mask a match, or what came near: make it a thing */
  takeOne(mask) {
    const { described, index, things } = this.store.state;
    const match = described.matches.find((each) => each.mask === mask);
    const found = index?.masks[mask];
    if (!found) return;
    const thing = match
      ? this.made(mask, match.rle, match.score, match.rank, things)
      : this.picking.made({ mask, score: found.score, rle: found.rle }, things);
    this.work.change("Select", [...things, thing], [thing.id]);
  }

  /**
   * @param {number|null} mask @param {import("./types.js").Rle} rle @param {number} score @param {number} rank
   * @param {import("./types.js").Thing[]} things
   */
  made(mask, rle, score, rank, things) {
    const { text, edited, answer } = this.store.state.described;
    const label = (edited ?? answer?.query)?.find?.[0] ?? "";
    /** @type {import("./types.js").TextPrompt} */
    const prompt = edited ? { type: "text", text, query: edited } : { type: "text", text };
    return this.picking.made({ label, prompts: [prompt], rank, mask, score, rle, refine: "off", zoom: false }, things);
  }

  /**
   * @param {string} image @param {string} text @param {Query|null} query @param {AbortSignal} signal
   * @returns {Promise<import("./types.js").SelectAnswer>}
   */
  ask(image, text, query, signal) {
    const prompt = query ? { type: "text", text, query } : { type: "text", text };
    return this.api.json("POST", `/v1/images/${image}/select`, {
      signal,
      body: { prompts: [prompt], refine: "off", zoom: false, candidates: null, rles: "new" },
    });
  }
}
