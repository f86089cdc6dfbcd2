/** An object that somebody else changed meanwhile: both versions are shown, and a person decides. Nothing is lost. */

import { areaOf, tightBox } from "../masks/shapes.js";
import { newId } from "../work.js";
import { make } from "./dom.js";
import { smallPicture } from "./small_picture.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../types.js").Thing} Thing */

/** @param {App} app @returns {Node[]} */
export function conflictDialog(app) {
  const [conflict] = app.store.state.conflicts;
  if (!conflict) {
    queueMicrotask(() => app.store.set({ dialog: null }));
    return [];
  }
  const choose = (/** @type {"mine"|"theirs"|"both"} */ choice) => () => app.sync.resolve(conflict, choice, newId());
  const mine = app.store.state.things.find((thing) => thing.id === conflict.mine.id) ?? conflict.mine;
  return [
    make("p", {}, `“${mine.label || "An object"}” was changed in another window while you changed it here. Which one shall stay?`),
    make("div", { className: "versions" }, version(app, "Yours", mine), version(app, "Theirs", conflict.theirs)),
    make(
      "div",
      { className: "row" },
      make("button", { type: "button", className: "button primary", onclick: choose("both") }, conflict.theirs ? "Keep both" : "Keep yours as a new object"),
      make("button", { type: "button", className: "button", onclick: choose("mine") }, "Keep yours"),
      make("button", { type: "button", className: "button", onclick: choose("theirs") }, conflict.theirs ? "Keep theirs" : "Let it be deleted"),
    ),
  ];
}

/** @param {App} app @param {string} title @param {Thing|null} thing */
function version(app, title, thing) {
  if (!thing) return make("figure", {}, make("figcaption", {}, make("strong", {}, title)), make("p", { className: "hint" }, "They deleted it."));
  const canvas = smallPicture(app.session.picture, thing.rle, thing.colour ?? "#3b82f6", tightBox(thing.rle), { width: 400, height: 300, label: `${title}: ${areaOf(thing.rle)} pixels` });
  return make("figure", {}, make("figcaption", {}, make("strong", {}, title), ` · ${thing.label || "no label"} · ${areaOf(thing.rle).toLocaleString("en")} px`), canvas);
}
