/** The list of objects, and the details of the one that is worked on. */

import { areaOf } from "../masks/shapes.js";
import { activeThing } from "../state.js";
import { choices } from "./choices.js";
import { byId, icon, make } from "./dom.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../types.js").Thing} Thing */

const HINT = "What you select is listed here, saved by itself, and can be opened again at any time.";

/** @param {App} app */
export function objects(app) {
  const { store } = app;
  store.watch((state) => [state.things, state.chosen], ([things]) => {
    list(app);
    const count = /** @type {Thing[]} */ (things).length;
    byId("things-title").textContent = count ? `Objects (${count})` : "Objects";
    byId("no-things").hidden = count > 0;
  });
  byId("no-things").textContent = HINT;
  store.watch((state) => [activeThing(state), state.chosen.length, state.choices, state.answering], () => detail(app));
}

/** @param {Thing} thing @param {number} at @returns {string} */
export function nameOf(thing, at) {
  return thing.label || `Object ${at + 1}`;
}

/** @param {App} app */
function list(app) {
  const { things, chosen } = app.store.state;
  const place = byId("things");
  const focused = document.activeElement instanceof HTMLElement && place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  place.replaceChildren(...things.map((thing, at) => row(app, thing, at, chosen)));
  if (focused) /** @type {HTMLElement|null} */ (place.querySelector(`[data-key="${focused}"]`))?.focus();
  place.querySelector(".chosen:last-of-type")?.scrollIntoView({ block: "nearest" });
}

/** @param {App} app @param {Thing} thing @param {number} at @param {string[]} chosen */
function row(app, thing, at, chosen) {
  const name = nameOf(thing, at);
  const swatch = make("span", { className: "swatch" });
  swatch.style.background = thing.colour ?? "transparent";
  const isChosen = chosen.includes(thing.id);
  return make(
    "li",
    { className: `thing${isChosen ? " chosen" : ""}${thing.visible ? "" : " unseen"}` },
    make(
      "button",
      { type: "button", className: "pick", "aria-pressed": isChosen, "data-key": `${thing.id} pick`, onclick: (/** @type {MouseEvent} */ event) => choose(app, thing, event), ondblclick: () => app.focusLabel() },
      swatch,
      make("span", { className: `name${thing.label ? "" : " none"}` }, name),
    ),
    small(thing.visible ? "eye" : "eye-off", thing.visible ? `Hide ${name}` : `Show ${name}`, `${thing.id} eye`, () => app.editing.toggleVisible(thing)),
    small(thing.locked ? "lock" : "unlock", thing.locked ? `Unlock ${name}` : `Lock ${name}`, `${thing.id} lock`, () => app.editing.toggleLocked(thing)),
  );
}

/** @param {string} name @param {string} label @param {string} key @param {() => void} run */
function small(name, label, key, run) {
  return make("button", { type: "button", className: "icon-button tiny", "aria-label": label, title: label, "data-key": key, onclick: run }, icon(name));
}

/** Shift or Ctrl selects more than one. @param {App} app @param {Thing} thing @param {MouseEvent} event */
function choose(app, thing, event) {
  const { chosen } = app.store.state;
  const others = chosen.filter((id) => id !== thing.id);
  if (!(event.shiftKey || event.ctrlKey || event.metaKey)) app.store.set({ chosen: [thing.id] });
  else app.store.set({ chosen: others.length < chosen.length ? others : [...chosen, thing.id] });
}

/** @param {App} app */
function detail(app) {
  const place = byId("detail");
  const thing = activeThing(app.store.state);
  place.hidden = !thing;
  if (!thing) return place.replaceChildren();
  const { chosen, things } = app.store.state;
  const focused = place.contains(document.activeElement) ? document.activeElement?.id : "";
  const typed = /** @type {HTMLInputElement|null} */ (place.querySelector("#label"));
  const label = make("input", { id: "label", type: "text", value: focused === "label" && typed?.dataset.thing === thing.id ? typed.value : thing.label, placeholder: "Label", list: "labels", maxLength: 200, "aria-label": "Label", "data-thing": thing.id, autocomplete: "off" });
  const save = () => app.editing.label(current(app, thing.id) ?? thing, label.value);
  label.addEventListener("change", save);
  label.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    save();
    app.stage.focus();
  });
  const colour = make("input", { id: "colour", type: "color", value: thing.colour ?? "#3b82f6", "aria-label": "Colour" });
  colour.addEventListener("change", () => app.editing.colour(current(app, thing.id) ?? thing, colour.value));
  place.replaceChildren(
    make("div", { className: "names" }, label, colour),
    make("p", { className: "about" }, about(thing, things.indexOf(thing), chosen.length)),
    ...(chosen.length > 1 ? [] : choices(app, thing)),
    make("div", { className: "buttons" }, ...buttons(app, [["union", "Union"], ["subtract", "Subtract"], ["intersect", "Intersect"]], chosen.length < 2 || thing.locked)),
    make("div", { className: "buttons two" }, ...buttons(app, [["holes", "Fill holes"], ["islands", "Remove islands"]], thing.locked), ...buttons(app, [["copy", "Copy cut-out"]], false), ...buttons(app, [["delete", "Delete"]], thing.locked, "danger")),
  );
  known(app);
  if (focused) document.getElementById(focused)?.focus();
  return undefined;
}

/** @param {App} app @param {[string, string][]} commands @param {boolean} disabled @param {string} [kind] */
function buttons(app, commands, disabled, kind = "") {
  return commands.map(([id, title]) => make("button", { type: "button", id: `do-${id}`, className: `button ${kind}`, disabled, title: app.titleOf(id), onclick: () => app.run(id) }, title));
}

/** @param {App} app @param {string} id @returns {Thing|undefined} the version there is now */
function current(app, id) {
  return app.store.state.things.find((thing) => thing.id === id);
}

/** Where its mask comes from. @param {Thing} thing @param {number} at @param {number} count of objects selected */
function about(thing, at, count) {
  if (count > 1) return `${count} objects selected; the one selected first is kept by union, subtract and intersect.`;
  const parts = [thing.label ? `Object ${at + 1}` : "", `${areaOf(thing.rle).toLocaleString("en")} px`];
  for (const prompt of thing.prompts) {
    if (prompt.type === "point") parts.push(`${prompt.points.length} ${prompt.points.length === 1 ? "point" : "points"}`);
    else parts.push(prompt.type === "box" ? "box" : `“${prompt.text}”`);
  }
  if (thing.edited) parts.push("edited by hand");
  if (thing.locked) parts.push("locked");
  return parts.filter(Boolean).join(" · ");
}

/** Labels given before, to choose from. @param {App} app */
function known(app) {
  byId("labels").replaceChildren(...app.classes.known.map(({ label }) => make("option", { value: label })));
}
