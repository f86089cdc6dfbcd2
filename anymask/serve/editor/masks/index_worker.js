/** Draws the index map beside the page, so that the page never waits for it. */

import { buildIndexMap } from "./index_map.js";

self.addEventListener("message", (event) => {
  const { ticket, masks, width, height, shown } = event.data;
  const map = buildIndexMap(masks, width, height, shown);
  self.postMessage({ ticket, map }, { transfer: [map.cells.buffer, map.areas.buffer] });
});
