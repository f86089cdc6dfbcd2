/** Everything that a key or a button can do: one row each. The shortcut sheet is made of this table. */

import { activeThing } from "./state.js";
import { tightBox } from "./masks/shapes.js";
import { fitBox, visibleBox, zoomAt } from "./viewport.js";

/** @typedef {import("./app.js").App} App */

/**
 * @typedef {object} Command
 * @property {string} id
 * @property {string} group of the shortcut sheet
 * @property {string} title for people
 * @property {string[]} keys
 * @property {(app: App) => void} run
 * @property {(app: App) => void} [release] when the key is let go
 */

/** @param {string} id @param {string} title @param {string} key @returns {Command} */
const tool = (id, title, key) => ({ id: `tool.${id}`, group: "Tools", title, keys: [key], run: (app) => app.useTool(id) });

/** @type {Command[]} */
export const COMMANDS = [
  tool("select", "Select by click", "V"),
  tool("box", "Select by box", "R"),
  tool("brush", "Brush", "B"),
  tool("eraser", "Eraser", "E"),
  tool("look", "Look closer", "L"),
  { id: "brush.smaller", group: "Tools", title: "Smaller brush", keys: ["["], run: (app) => app.resizeBrush(-1) },
  { id: "brush.bigger", group: "Tools", title: "Bigger brush", keys: ["]"], run: (app) => app.resizeBrush(1) },
  { id: "brush.muchSmaller", group: "Tools", title: "Much smaller brush", keys: ["{"], run: (app) => app.resizeBrush(-10) },
  { id: "brush.muchBigger", group: "Tools", title: "Much bigger brush", keys: ["}"], run: (app) => app.resizeBrush(10) },
  { id: "look.here", group: "Tools", title: "Look closer at what is on the screen", keys: ["Shift+L"], run: (app) => lookHere(app) },
  { id: "describe", group: "Select", title: "Describe in words", keys: ["/", "T"], run: (app) => app.focusText() },
  { id: "finish", group: "Select", title: "Finish this object", keys: ["F"], run: (app) => app.store.set({ chosen: [] }) },
  { id: "choice", group: "Select", title: "Part or whole: what else the click can mean", keys: ["C"], run: (app) => app.choices.step() },
  { id: "next", group: "Select", title: "Next object", keys: ["."], run: (app) => app.editing.chooseBeside(1) },
  { id: "previous", group: "Select", title: "Object before", keys: [","], run: (app) => app.editing.chooseBeside(-1) },
  { id: "all", group: "Select", title: "Select all objects", keys: ["Ctrl+A"], run: ({ store }) => store.set({ chosen: store.state.things.map((thing) => thing.id) }) },
  { id: "undo", group: "Edit", title: "Undo", keys: ["Ctrl+Z"], run: (app) => app.step("undo") },
  { id: "redo", group: "Edit", title: "Redo", keys: ["Ctrl+Shift+Z", "Ctrl+Y"], run: (app) => app.step("redo") },
  { id: "delete", group: "Edit", title: "Delete", keys: ["Delete", "Backspace"], run: (app) => app.editing.remove() },
  { id: "label", group: "Edit", title: "Label this object", keys: ["F2"], run: (app) => app.focusLabel() },
  { id: "union", group: "Edit", title: "Union of the selected objects", keys: ["U"], run: (app) => app.editing.join("union") },
  { id: "subtract", group: "Edit", title: "Subtract from the one selected first", keys: ["S"], run: (app) => app.editing.join("subtract") },
  { id: "intersect", group: "Edit", title: "Intersect the selected objects", keys: ["I"], run: (app) => app.editing.join("intersect") },
  { id: "holes", group: "Edit", title: "Fill holes", keys: ["G"], run: (app) => app.editing.fillHoles() },
  { id: "islands", group: "Edit", title: "Remove islands", keys: ["K"], run: (app) => app.editing.removeIslands() },
  { id: "visible", group: "Edit", title: "Hide or show this object", keys: ["H"], run: (app) => withActive(app, (thing) => app.editing.toggleVisible(thing)) },
  { id: "lock", group: "Edit", title: "Lock or unlock this object", keys: ["J"], run: (app) => withActive(app, (thing) => app.editing.toggleLocked(thing)) },
  { id: "everything", group: "View", title: "Show every mask, while held", keys: ["N"], run: ({ store }) => store.set({ showAll: true }), release: ({ store }) => store.set({ showAll: false }) },
  { id: "bigger", group: "View", title: "Zoom in", keys: ["+", "="], run: (app) => zoom(app, 1.5) },
  { id: "smaller", group: "View", title: "Zoom out", keys: ["-"], run: (app) => zoom(app, 1 / 1.5) },
  { id: "fit", group: "View", title: "Whole picture", keys: ["0"], run: (app) => app.fit() },
  { id: "native", group: "View", title: "The picture's own pixels", keys: ["1"], run: (app) => zoom(app, 1 / app.store.state.view.scale) },
  { id: "zoomTo", group: "View", title: "Zoom to this object", keys: ["Z"], run: (app) => withActive(app, (thing) => zoomTo(app, thing)) },
  { id: "open", group: "Picture", title: "Open pictures", keys: ["O"], run: (app) => app.chooseFiles() },
  { id: "picture.next", group: "Picture", title: "Next picture", keys: ["D"], run: (app) => app.session.openBeside(1) },
  { id: "picture.previous", group: "Picture", title: "Picture before", keys: ["A"], run: (app) => app.session.openBeside(-1) },
  { id: "pictures", group: "Picture", title: "List of pictures", keys: ["P"], run: ({ store }) => store.set({ dialog: "pictures" }) },
  { id: "export", group: "Picture", title: "Export", keys: ["X"], run: ({ store }) => store.set({ dialog: "export" }) },
  { id: "copy", group: "Picture", title: "Copy the cut-out", keys: ["Ctrl+C"], run: (app) => app.exporting.copyCutout() },
  { id: "help", group: "Help", title: "This sheet", keys: ["?", "F1"], run: ({ store }) => store.set({ dialog: store.state.dialog === "help" ? null : "help" }) },
];

/** What hands and keys do on the picture itself, which cannot be changed; for the shortcut sheet. */
export const GESTURES = [
  ["Click, Enter", "Select what is outlined"],
  ["Shift+click, Shift+Enter", "Add to the object"],
  ["Alt+click, right-click, Alt+Enter", "Take away from the object"],
  ["Ctrl+click", "Gather points, which are asked for when Ctrl is let go"],
  ["Click on a dot", "Remove that point"],
  ["Drag", "Draw a box"],
  ["Ctrl+wheel, ↑ ↓", "To the whole, to a part"],
  ["Tab, ← →", "To the masks beside it"],
  ["Esc", "Cancel, then select nothing"],
  ["Wheel, pinch", "Zoom"],
  ["Space+drag, two fingers", "Move the picture"],
  ["Arrow keys", "Box, brush, eraser, look: move the pointer"],
  ["Shift+arrow key", "The same by one pixel"],
  ["Enter", "The same: press, and let go"],
  ["Drop, Ctrl+V", "Open a picture"],
];

/** @param {App} app @param {number} factor */
function zoom(app, factor) {
  const { image, view } = app.store.state;
  const size = app.painter.size;
  if (image?.width) app.store.set({ view: zoomAt(view, factor, { x: size.width / 2, y: size.height / 2 }, image, size) });
}

/** @param {App} app @param {import("./types.js").Thing} thing */
function zoomTo(app, thing) {
  const { image } = app.store.state;
  if (image) app.store.set({ view: fitBox(tightBox(thing.rle), image, app.painter.size) });
}

/** @param {App} app */
function lookHere(app) {
  const { image, view } = app.store.state;
  const box = image && visibleBox(view, image, app.painter.size);
  if (box) app.looking.look(box);
}

/** @param {App} app @param {(thing: import("./types.js").Thing) => void} run */
function withActive(app, run) {
  const thing = activeThing(app.store.state);
  if (thing) run(thing);
  else app.work.tell("Select an object first.");
}
