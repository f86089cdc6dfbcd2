/** Click what is outlined; drag for a box; click a dot to take it away. */

import { DOT } from "../draw_overlay.js";
import { pointPrompt } from "../picking.js";
import { activeThing } from "../state.js";
import { isInside, toScreen } from "../viewport.js";
import { box } from "./box.js";

const CLICK = 4; // screen pixels that a pointer may move in a click

/** @type {{screen: import("../types.js").Point, dragging: boolean}|null} */
let begun = null;

/** @type {import("./index.js").Tool} */
export const select = {
  title: "Select",
  hint: "Click to select. Shift adds, Alt or right-click takes away. Drag for a box. Ctrl and wheel: part or whole.",
  cursor: "default",
  down(app, press) {
    begun = { screen: press.screen, dragging: false };
    box.down(app, press);
  },
  move(app, press) {
    if (!begun) return;
    const moved = Math.hypot(press.screen.x - begun.screen.x, press.screen.y - begun.screen.y);
    if (moved > CLICK) begun.dragging = true;
    if (begun.dragging) box.move(app, press);
  },
  up(app, press) {
    const was = begun;
    begun = null;
    if (was?.dragging) return box.up(app, press);
    box.cancel(app);
    const { image } = app.store.state;
    if (!was || !image || !isInside(press.at, image)) return undefined;
    const dot = dotAt(app, press.screen);
    const thing = activeThing(app.store.state);
    if (dot >= 0 && thing) app.picking.removePoint(thing, dot);
    else {
      app.hovering.at(press.at);
      const mask = app.store.state.hover?.mask ?? -1;
      if (press.ctrl) app.gathering.add(press.at, press, mask);
      else app.picking.click(press.at, press, mask);
      app.hovering.hush();
    }
    return undefined;
  },
  cancel(app) {
    begun = null;
    box.cancel(app);
  },
  hover(app, press) {
    app.hovering.at(press.at);
  },
  draw() {},
};

/** @param {import("../app.js").App} app @param {import("../types.js").Point} screen @returns {number} the dot there, or -1 */
function dotAt(app, screen) {
  const thing = activeThing(app.store.state);
  const prompt = thing && pointPrompt(thing);
  if (!prompt) return -1;
  return prompt.points.findLastIndex(([x, y]) => {
    const at = toScreen(app.store.state.view, { x, y });
    return Math.hypot(at.x - screen.x, at.y - screen.y) <= DOT + 1;
  });
}
