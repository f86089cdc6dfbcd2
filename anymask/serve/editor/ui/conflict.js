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
  const box = around([mine, ...(conflict.theirs ? [conflict.theirs] : [])]);
  return [
    make("p", {}, `${mine.label ? `“${mine.label}”` : "An object"} was changed in another window while you changed it here. Which one shall stay?`),
    make("div", { className: "versions" }, version(app, "Yours", mine, box), version(app, "Theirs", conflict.theirs, box)),
    make(
      "div",
      { className: "row" },
      make("button", { type: "button", className: "button primary", autofocus: true, onclick: choose("both") }, conflict.theirs ? "Keep both" : "Keep yours as a new object"),
      make("button", { type: "button", className: "button", onclick: choose("mine") }, "Keep yours"),
      make("button", { type: "button", className: "button", onclick: choose("theirs") }, conflict.theirs ? "Keep theirs" : "Let it be deleted"),
    ),
  ];
}

/** @param {App} app @param {string} title @param {Thing|null} thing @param {import("../types.js").Box} box what both show */
function version(app, title, thing, box) {
  if (!thing) return make("figure", {}, make("figcaption", {}, make("strong", {}, title)), make("p", { className: "hint" }, "They deleted it."));
  const canvas = smallPicture(app.session.picture, thing.rle, thing.colour ?? "#3b82f6", box, { width: 400, height: 300, label: `${title}: ${areaOf(thing.rle)} pixels` });
  return make("figure", {}, make("figcaption", {}, make("strong", {}, title), ` · ${thing.label || "no label"} · ${areaOf(thing.rle).toLocaleString("en")} px`), canvas);
}

/** @param {Thing[]} things @returns {import("../types.js").Box} that holds them all */
function around(things) {
  const boxes = things.map(({ rle }) => tightBox(rle));
  const [left, top] = [0, 1].map((side) => Math.min(...boxes.map((box) => box[side])));
  const [right, bottom] = [2, 3].map((side) => Math.max(...boxes.map((box) => box[side])));
  return [left, top, right, bottom];
}
