/** Drag a box around a thing. */

import { inside } from "../viewport.js";

const LEAST = 2; // source pixels along a side

/** @type {import("../types.js").Point|null} */
let corner = null;

/** @type {import("./index.js").Tool} */
export const box = {
  title: "Box",
  hint: "Drag a box around a thing. Shift adds what is in it to the selected object, Alt takes it away.",
  cursor: "crosshair",
  down(_, press) {
    corner = press.at;
  },
  move(app, press) {
    const dragged = boxTo(app, press.at);
    if (dragged) app.store.set({ dragged });
  },
  up(app, press) {
    const dragged = boxTo(app, press.at);
    box.cancel(app);
    if (!dragged || dragged[2] - dragged[0] < LEAST || dragged[3] - dragged[1] < LEAST) return;
    app.store.set({ looking: dragged });
    app.picking.box(dragged, press).finally(() => {
      if (app.store.state.looking === dragged) app.store.set({ looking: null });
    });
  },
  cancel(app) {
    corner = null;
    if (app.store.state.dragged) app.store.set({ dragged: null });
  },
  hover() {},
  draw() {},
};

/** @param {import("../app.js").App} app @param {import("../types.js").Point} at @returns {import("../types.js").Box|null} */
export function boxTo(app, at) {
  const { image } = app.store.state;
  if (!corner || !image) return null;
  const from = inside(corner, image);
  const to = inside(at, image);
  return [Math.min(from.x, to.x), Math.min(from.y, to.y), Math.max(from.x, to.x), Math.max(from.y, to.y)];
}
