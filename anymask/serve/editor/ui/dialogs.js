/** One dialog at a time; the browser keeps the keyboard inside it and Esc closes it. One row for each dialog. */

import { byId, icon, make } from "./dom.js";
import { conflictDialog } from "./conflict.js";
import { exportDialog } from "./export_dialog.js";
import { helpDialog } from "./help.js";
import { picturesDialog } from "./pictures.js";

/** @type {Record<string, {title: string, body: (app: import("../app.js").App) => Node[]}>} */
const DIALOGS = {
  help: { title: "Shortcuts", body: helpDialog },
  export: { title: "Export", body: exportDialog },
  pictures: { title: "Pictures", body: picturesDialog },
  conflict: { title: "Changed in two places", body: conflictDialog },
};

/** @param {import("../app.js").App} app */
export function dialogs(app) {
  const { store } = app;
  const dialog = /** @type {HTMLDialogElement} */ (byId("dialog"));
  dialog.addEventListener("close", () => store.set({ dialog: null }));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  store.watch((state) => [state.dialog, state.dialog === "conflict" ? state.conflicts : null, state.dialog === "pictures" ? state.images : null], ([name]) => {
    const shown = typeof name === "string" ? DIALOGS[name] : undefined;
    if (!shown) {
      if (dialog.open) dialog.close();
      return;
    }
    const close = make("button", { type: "button", className: "icon-button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"));
    dialog.replaceChildren(
      make("div", { className: "dialog-head" }, make("h2", { id: "dialog-title" }, shown.title), close),
      make("div", { className: "dialog-body" }, ...shown.body(app)),
    );
    if (!dialog.open) dialog.showModal();
  });
  // Somebody must choose; what is typed or drawn now is not interrupted
  store.watch((state) => state.conflicts.length > 0 && !state.stroke && !state.dialog, (due) => due && store.set({ dialog: "conflict" }));
}
