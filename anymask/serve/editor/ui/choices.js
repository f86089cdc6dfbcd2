/** What the click that made an object can mean, side by side as small pictures. */

import { choicesOf, hasChoices, isChosen } from "../choices.js";
import { areaOf, tightBox } from "../masks/shapes.js";
import { make } from "./dom.js";
import { smallPicture } from "./small_picture.js";

const SIZE = { width: 160, height: 120 }; // twice what is shown

/** @param {import("../app.js").App} app @param {import("../types.js").Thing} thing @returns {Node[]} none where there is nothing to choose */
export function choices(app, thing) {
  const { state } = app.store;
  if (!hasChoices(thing) || state.answering.includes(thing.id)) return [];
  const there = choicesOf(state, thing);
  if (!state.choices.has(thing.prompts)) return [make("div", { className: "buttons one" }, make("button", { type: "button", id: "do-choice", className: "button", title: app.titleOf("choice"), onclick: () => app.run("choice") }, "Part or whole?"))];
  const largest = there.at(-1);
  if (!largest || (there.length === 1 && isChosen(largest, thing))) return [];
  const light = (/** @type {import("../types.js").Rle|null} */ preview) => () => app.store.set({ preview });
  const buttons = there.map((choice, at) => {
    const label = `${areaOf(choice.rle).toLocaleString("en")} px`;
    return make(
      "button",
      { type: "button", id: `choice-${at}`, "aria-pressed": isChosen(choice, thing), title: app.titleOf("choice"), onclick: () => app.choices.choose(thing, choice), onpointerenter: light(choice.rle), onpointerleave: light(null) },
      smallPicture(app.session.picture, choice.rle, thing.colour ?? "#3b82f6", tightBox(largest.rle), { ...SIZE, label }),
      make("span", { "aria-hidden": "true" }, label),
    );
  });
  return [make("div", { className: "choices", role: "group", "aria-label": "What this can mean, from the part to the whole" }, ...buttons)];
}
