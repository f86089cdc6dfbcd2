/** The layer that follows the pointer: the outline under it, dots and boxes of prompts, what waits for an answer. */

import { pathOf } from "./masks/shapes.js";
import { activeThing } from "./state.js";
import { toScreen } from "./viewport.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./types.js").Point} Point */

export const DOT = 9; // screen pixels, the radius of a prompt's dot
const INSIDE = "#15803d";
const OUTSIDE = "#dc2626";
const LIGHT = "#ffffff";
const DARK = "rgb(0 0 0 / 0.65)";

/** @param {CanvasRenderingContext2D} context @param {State} state */
export function drawOverlay(context, state) {
  drawHover(context, state);
  const thing = activeThing(state);
  if (thing?.visible) drawPrompts(context, state, thing);
  for (const { at, alt } of [...state.waitingClicks, ...state.gathered]) drawWaiting(context, toScreen(state.view, at), alt);
  if (thing && state.answering.includes(thing.id)) drawPulse(context, state, thing);
  if (state.dragged) drawBox(context, state, state.dragged, LIGHT, [6, 4]);
  if (state.looking) drawBox(context, state, state.looking, "#ffd60a", [10, 6]);
}

/** @param {CanvasRenderingContext2D} context @param {State} state */
function drawHover(context, { hover, preview, index, view, tool }) {
  const rle = preview ?? (hover && !hover.quiet && tool === "select" ? index?.masks[hover.mask].rle : null);
  if (!rle) return;
  const path = pathOf(rle, view.scale);
  context.save();
  context.translate(view.x, view.y);
  context.scale(view.scale, view.scale);
  context.fillStyle = "rgb(255 255 255 / 0.22)";
  context.fill(path, "evenodd");
  context.lineJoin = "round";
  for (const [colour, width] of /** @type {[string, number][]} */ ([[DARK, 4], [LIGHT, 2]])) {
    context.strokeStyle = colour;
    context.lineWidth = width / view.scale;
    context.stroke(path);
  }
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {State} state @param {import("./types.js").Thing} thing */
function drawPrompts(context, state, thing) {
  for (const prompt of thing.prompts) {
    if (prompt.type === "box") drawBox(context, state, prompt.box, LIGHT, [6, 4]);
    if (prompt.type !== "point") continue;
    prompt.points.forEach(([x, y], number) => drawDot(context, toScreen(state.view, { x, y }), prompt.labels[number] === 1));
  }
}

/** A plus on green or a minus on red: the sign tells without the colour. @param {CanvasRenderingContext2D} context @param {Point} at @param {boolean} isInside */
function drawDot(context, at, isInside) {
  context.beginPath();
  context.arc(at.x, at.y, DOT, 0, 2 * Math.PI);
  context.fillStyle = isInside ? INSIDE : OUTSIDE;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = LIGHT;
  context.stroke();
  context.beginPath();
  context.moveTo(at.x - 4.5, at.y);
  context.lineTo(at.x + 4.5, at.y);
  if (isInside) {
    context.moveTo(at.x, at.y - 4.5);
    context.lineTo(at.x, at.y + 4.5);
  }
  context.stroke();
}

/** A click that waits for its answer. @param {CanvasRenderingContext2D} context @param {Point} at @param {boolean} alt */
function drawWaiting(context, at, alt) {
  for (const [radius, colour] of /** @type {[number, string][]} */ ([[DOT + 5, DARK], [DOT + 4, alt ? OUTSIDE : LIGHT]])) {
    context.beginPath();
    context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
    context.lineWidth = 2;
    context.strokeStyle = colour;
    context.setLineDash([4, 4]);
    context.stroke();
  }
  context.setLineDash([]);
  drawDot(context, at, !alt);
}

/** Its better mask is on the way. @param {CanvasRenderingContext2D} context @param {State} state @param {import("./types.js").Thing} thing */
function drawPulse(context, { view }, thing) {
  context.save();
  context.translate(view.x, view.y);
  context.scale(view.scale, view.scale);
  context.setLineDash([6 / view.scale, 6 / view.scale]);
  context.strokeStyle = LIGHT;
  context.lineWidth = 2 / view.scale;
  context.stroke(pathOf(thing.rle, view.scale));
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {State} state @param {import("./types.js").Box} box @param {string} colour @param {number[]} dash */
export function drawBox(context, { view }, [x1, y1, x2, y2], colour, dash) {
  const from = toScreen(view, { x: x1, y: y1 });
  const to = toScreen(view, { x: x2, y: y2 });
  context.lineWidth = 3;
  context.strokeStyle = DARK;
  context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
  context.lineWidth = 1.5;
  context.strokeStyle = colour;
  context.setLineDash(dash);
  context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
  context.setLineDash([]);
}
