/** A closer look: a region is searched at its own pixels, and what is found joins the masks that are there. */

import { UnreachableError } from "./api.js";

export class Looking {
  /**
   * @param {import("./state.js").Store} store @param {import("./api.js").Api} api
   * @param {import("./session.js").Session} session @param {import("./work.js").Work} work
   */
  constructor(store, api, session, work) {
    this.store = store;
    this.api = api;
    this.session = session;
    this.work = work;
  }

  /** @param {import("./types.js").Box} box */
  async look(box) {
    const { image, index, looking } = this.store.state;
    if (!image || !index || looking) return;
    this.store.set({ looking: box });
    try {
      const { masks, parents } = await this.api.json("POST", `/v1/images/${image.id}/look`, { body: { box, image_size: null } });
      if (this.store.state.image?.id !== image.id) return;
      // New masks follow those there are, and finer ones take their place; parents may be others
      /** @type {import("./types.js").Mask[]} */
      const all = [...index.masks];
      for (const mask of masks) all[mask.id] = mask;
      await this.session.useMasks(all.map((mask) => ({ ...mask, parent: parents[mask.id] })));
      this.store.set({ choices: new Map() }); // were chosen among fewer masks
      const found = all.slice(index.masks.length).filter((mask) => mask.score >= this.store.state.sure).length;
      this.work.tell(found ? `${found} more ${found === 1 ? "mask" : "masks"} found there.` : "Nothing more was found there.");
    } catch (error) {
      this.work.tell(error instanceof UnreachableError ? "The server does not answer. Look again when it is back." : String(error instanceof Error ? error.message : error), "error");
    } finally {
      if (this.store.state.looking === box) this.store.set({ looking: null });
    }
  }
}
