/** What can be saved as a file. */

import { FORMATS, wanted } from "../exporting.js";
import { make } from "./dom.js";

/** @typedef {import("../app.js").App} App */

/** @param {App} app @returns {Node[]} */
export function exportDialog(app) {
  const { things, chosen, index } = app.store.state;
  /** @type {import("../exporting.js").What} */
  let of = things.length ? "objects" : "masks";
  let hidden = false;
  const some = things.some((thing) => !thing.visible);
  const formats = make("div", { className: "formats" });
  const choices = /** @type {[import("../exporting.js").What, string][]} */ ([
    ["objects", `Objects (${things.length})`],
    ...(chosen.length ? [["chosen", `Selected (${chosen.length})`]] : []),
    ["masks", `Everything found (${index?.masks.length ?? 0})`],
  ]).map(([value, title]) => {
    const choose = () => {
      of = value;
      show();
    };
    return { value, button: make("button", { type: "button", onclick: choose }, title) };
  });
  const box = /** @type {HTMLInputElement} */ (make("input", { type: "checkbox", onchange: () => ((hidden = box.checked), show()) }));
  const withHidden = make("label", { className: "row" }, box, "Hidden objects too");
  const show = () => {
    for (const { value, button } of choices) button.setAttribute("aria-pressed", String(value === of));
    const empty = of !== "masks" && !wanted(things, of, chosen, hidden).length;
    withHidden.hidden = of !== "objects" || !some;
    formats.replaceChildren(
      ...FORMATS.filter((format) => format.masks || of !== "masks").map(({ id, title, text }) => formatButton(title, text, empty, () => app.exporting.download(id, of, hidden))),
      ...(of !== "masks"
        ? [
            formatButton("Masks as PNG", "One black and white picture for each object.", empty, () => app.exporting.downloadMasks(wanted(things, of, chosen, hidden))),
            formatButton("Copy the cut-out", "To the clipboard, with soft edges, to paste anywhere.", empty, () => app.exporting.copyCutout(wanted(things, of, chosen, hidden))),
          ]
        : []),
      empty ? make("p", { className: "hint" }, things.length ? "Every object is hidden." : "Nothing is selected yet. Click something in the picture first.") : "",
    );
  };
  show();
  return [make("div", { className: "segments", role: "group", "aria-label": "What to export" }, ...choices.map(({ button }) => button)), withHidden, formats];
}

/** @param {string} title @param {string} text @param {boolean} disabled @param {() => void} run */
function formatButton(title, text, disabled, run) {
  return make("button", { type: "button", className: "format", disabled, onclick: run }, make("strong", {}, title), make("span", {}, text));
}
