/** Has the index map drawn by a worker; only the last map asked for is of interest. */

/** @typedef {import("./index_map.js").IndexMap} IndexMap */

export class IndexBuilder {
  constructor() {
    this.ticket = 0;
    /** @type {Map<number, (map: IndexMap|null) => void>} */
    this.asked = new Map();
    this.worker = new Worker(new URL("index_worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", (event) => {
      this.asked.get(event.data.ticket)?.(event.data.map);
      this.asked.delete(event.data.ticket);
    });
  }

  /**
   * @param {import("../types.js").Mask[]} masks
   * @param {number} width @param {number} height of the picture
   * @param {boolean[]} shown
   * @returns {Promise<IndexMap|null>} null where another one was asked for meanwhile
   */
  build(masks, width, height, shown) {
    for (const answer of this.asked.values()) answer(null);
    this.asked.clear();
    const ticket = ++this.ticket;
    return new Promise((resolve) => {
      this.asked.set(ticket, resolve);
      this.worker.postMessage({ ticket, masks: masks.map((mask) => mask.rle), width, height, shown });
    });
  }
}
