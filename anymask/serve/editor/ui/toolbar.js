/** The tools on the left, their settings on the right, and what a click does for those who have no keys. */

import { TOOLS } from "../tools/index.js";
import { byId, icon, make } from "./dom.js";

/** @typedef {import("../app.js").App} App */

const MODES = /** @type {["new"|"add"|"exclude", string, string][]} */ ([
  ["new", "New object", "A click selects something new"],
  ["add", "Add", "A click adds to this object; so does Shift"],
  ["exclude", "Take away", "A click takes away from this object; so does Alt or the right button"],
]);

/** What the settings shown now listen to. @type {(() => void)[]} */
const listening = [];

/** @param {App} app */
export function toolbar(app) {
  const { store } = app;
  const buttons = Object.entries(TOOLS).map(([id, tool]) =>
    make("button", { type: "button", title: tool.hint, "data-tool": id, onclick: () => app.useTool(id) }, icon(id), make("span", {}, tool.title.split(" ")[0])),
  );
  byId("tools").append(...buttons);
  store.watch((state) => state.tool, (name) => {
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.tool === name)));
    app.stage.style.cursor = TOOLS[name].cursor;
    options(app, name);
  });
  modes(app);
}

/** @param {App} app @param {string} name of the tool in use */
function options(app, name) {
  listening.splice(0).forEach((end) => end());
  const tool = TOOLS[name];
  const painting = name === "brush" || name === "eraser";
  byId("tool-options").replaceChildren(
    make("h2", { id: "tool-title" }, tool.title),
    make("p", { className: "hint" }, tool.hint),
    ...(painting ? [slider(app, "Size", "brushSize", 1, 200, 1, (value) => `${value} px`)] : []),
    ...(name === "select" || name === "look" ? [sureness(app)] : []),
    slider(app, "Mask opacity", "opacity", 0, 1, 0.05, (value) => `${Math.round(value * 100)} %`),
  );
}

/**
 * @param {App} app @param {string} title @param {"brushSize"|"opacity"} key
 * @param {number} min @param {number} max @param {number} step @param {(value: number) => string} shown
 */
function slider(app, title, key, min, max, step, shown) {
  const input = make("input", { type: "range", min: String(min), max: String(max), step: String(step), id: `option-${key}` });
  const output = make("output", { for: input.id });
  input.addEventListener("input", () => app.store.set({ [key]: Number(input.value) }));
  const field = make("div", { className: "field" }, make("label", { for: input.id }, title), output, input);
  const show = (/** @type {number} */ value) => {
    input.value = String(value);
    output.textContent = shown(value);
  };
  listening.push(app.store.watch((state) => state[key], show));
  return field;
}

/** How sure a mask must be to be outlined. @param {App} app */
function sureness(app) {
  const { store, session } = app;
  const input = make("input", { type: "range", min: "0", max: "0.6", step: "0.01", id: "option-sure", value: String(store.state.sure) });
  const output = make("output", { for: "option-sure" });
  const tell = () => {
    const masks = store.state.index?.masks ?? [];
    output.textContent = masks.length ? `${masks.filter((mask) => mask.score >= Number(input.value)).length} of ${masks.length}` : "";
  };
  input.addEventListener("input", tell);
  input.addEventListener("change", () => {
    store.set({ sure: Number(input.value) });
    if (store.state.index) session.useMasks(store.state.index.masks);
  });
  listening.push(store.watch((state) => state.index, tell));
  return make("div", { className: "field", title: "To the right only masks that are surely something are outlined" }, make("label", { for: "option-sure" }, "Only surer masks"), output, input);
}

/** @param {App} app */
function modes(app) {
  const { store } = app;
  const buttons = MODES.map(([mode, title, text]) => make("button", { type: "button", title: text, onclick: () => store.set({ mode }) }, title));
  byId("mode").append(...buttons);
  store.watch((state) => state.mode, (mode) => buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(MODES[at][0] === mode))));
  store.watch((state) => [state.chosen.length > 0, state.tool], ([chosen, tool]) => {
    const useful = Boolean(chosen) && (tool === "select" || tool === "box");
    byId("mode").hidden = !useful;
    if (!chosen && store.state.mode !== "new") store.set({ mode: "new" });
  });
}
