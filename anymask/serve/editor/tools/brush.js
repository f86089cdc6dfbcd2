/** Paint on a mask, or erase from it. */

import { activeThing } from "../state.js";
import { toScreen } from "../viewport.js";

const NEAR = 0.5; // screen pixels; nearer points of a path are left out

/** @param {"brush"|"eraser"} id @param {string} title @param {string} hint @returns {import("./index.js").Tool} */
function painting(id, title, hint) {
  return {
    title,
    hint,
    cursor: "none",
    down(app, press) {
      const active = activeThing(app.store.state);
      if (!app.store.state.image?.width) return;
      if ((active || id === "eraser") && !app.work.editable) return;
      app.store.set({ stroke: { tool: press.alt ? other(id) : id, path: [press.at] } });
    },
    move(app, press) {
      const { stroke, view } = app.store.state;
      if (!stroke) return;
      const last = stroke.path[stroke.path.length - 1];
      if (Math.hypot(last.x - press.at.x, last.y - press.at.y) * view.scale < NEAR) return;
      app.store.set({ stroke: { ...stroke, path: [...stroke.path, press.at] } });
    },
    up(app) {
      const { stroke } = app.store.state;
      app.store.set({ stroke: null });
      if (stroke) app.editing.stroke(stroke.path, stroke.tool === "brush" ? "brush" : "eraser");
    },
    cancel(app) {
      app.store.set({ stroke: null });
    },
    hover() {},
    draw(context, state) {
      drawStroke(context, state);
      drawTip(context, state);
    },
  };
}

export const brush = painting("brush", "Brush", "Paint on the selected object, or a new one. Alt erases. [ and ] change the size.");
export const eraser = painting("eraser", "Eraser", "Erase from the selected object. Alt paints. [ and ] change the size.");

/** @param {"brush"|"eraser"} id */
function other(id) {
  return id === "brush" ? "eraser" : "brush";
}

/** @param {CanvasRenderingContext2D} context @param {import("../state.js").State} state */
function drawStroke(context, state) {
  const { stroke, view, brushSize } = state;
  if (!stroke) return;
  context.save();
  context.globalAlpha = 0.7;
  context.strokeStyle = stroke.tool === "brush" ? (activeThing(state)?.colour ?? "#3b82f6") : "#ffffff";
  context.lineWidth = Math.max(brushSize * view.scale, 1);
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  stroke.path.forEach((at, number) => {
    const { x, y } = toScreen(view, at);
    if (number) context.lineTo(x, y);
    else context.moveTo(x, y);
  });
  if (stroke.path.length === 1) context.lineTo(toScreen(view, stroke.path[0]).x + 0.01, toScreen(view, stroke.path[0]).y);
  context.stroke();
  context.restore();
}

/** The tip of the brush as a ring that is seen on any ground. @param {CanvasRenderingContext2D} context @param {import("../state.js").State} state */
function drawTip(context, { pointer, view, brushSize, tool }) {
  if (!pointer) return;
  const { x, y } = toScreen(view, pointer);
  const radius = Math.max((brushSize * view.scale) / 2, 1.5);
  for (const [colour, width] of /** @type {[string, number][]} */ ([["rgb(0 0 0 / 0.7)", 3], ["#ffffff", 1.5]])) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.moveTo(x - 3, y);
    context.lineTo(x + 3, y);
    if (tool === "brush") {
      context.moveTo(x, y - 3);
      context.lineTo(x, y + 3);
    }
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  }
}
