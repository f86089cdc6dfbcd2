/** What can be saved as a file. */

import { FORMATS } from "../exporting.js";
import { make } from "./dom.js";

/** @typedef {import("../app.js").App} App */

/** @param {App} app @returns {Node[]} */
export function exportDialog(app) {
  const { things, index } = app.store.state;
  /** @type {"objects"|"masks"} */
  let of = things.length ? "objects" : "masks";
  const formats = make("div", { className: "formats" });
  const choices = /** @type {["objects"|"masks", string][]} */ ([
    ["objects", `Objects (${things.length})`],
    ["masks", `Everything found (${index?.masks.length ?? 0})`],
  ]).map(([value, title]) => {
    const choose = () => {
      of = value;
      show();
    };
    return { value, button: make("button", { type: "button", onclick: choose }, title) };
  });
  const show = () => {
    for (const { value, button } of choices) button.setAttribute("aria-pressed", String(value === of));
    const empty = of === "objects" && !things.length;
    formats.replaceChildren(
      ...FORMATS.filter((format) => format.of.includes(of)).map(({ id, title, text }) => formatButton(title, text, empty, () => app.exporting.download(id, of))),
      ...(of === "objects"
        ? [
            formatButton("Masks as PNG", "One black and white picture for each selected object, or for all.", empty, () => app.exporting.downloadMasks()),
            formatButton("Copy the cut-out", "To the clipboard, with soft edges, to paste anywhere.", empty, () => app.exporting.copyCutout()),
          ]
        : []),
      empty ? make("p", { className: "hint" }, "Nothing is selected yet. Click something in the picture first.") : "",
    );
  };
  show();
  return [make("div", { className: "segments", role: "group", "aria-label": "What to export" }, ...choices.map(({ button }) => button)), formats];
}

/** @param {string} title @param {string} text @param {boolean} disabled @param {() => void} run */
function formatButton(title, text, disabled, run) {
  return make("button", { type: "button", className: "format", disabled, onclick: run }, make("strong", {}, title), make("span", {}, text));
}
