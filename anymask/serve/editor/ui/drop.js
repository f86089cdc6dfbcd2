/** Pictures that are dropped or pasted. */

import { byId } from "./dom.js";

/** @param {import("../app.js").App} app */
export function drop(app) {
  let depth = 0;
  const show = () => (byId("drop").hidden = depth <= 0);
  addEventListener("dragenter", (event) => {
    event.preventDefault();
    depth++;
    show();
  });
  addEventListener("dragleave", () => {
    depth--;
    show();
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    show();
    app.session.openFiles([...(event.dataTransfer?.files ?? [])]);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return; // text, which belongs to a field
    event.preventDefault();
    app.session.openFiles(files);
  });
}
