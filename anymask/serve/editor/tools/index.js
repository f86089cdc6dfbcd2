/**
 * The tools, one file and one row each. README.md beside this folder says what a tool is.
 *
 * @typedef {object} Press where the pointer is, and what is held down with it
 * @property {import("../types.js").Point} at in source pixels; may lie outside the picture
 * @property {import("../types.js").Point} screen from the top left of the canvas
 * @property {boolean} shift
 * @property {boolean} alt also of the right button
 * @property {boolean} ctrl
 *
 * @typedef {object} Tool
 * @property {string} title for people
 * @property {string} hint one line on how it is used
 * @property {string} cursor of CSS
 * @property {(app: App, press: Press) => void} down
 * @property {(app: App, press: Press) => void} move with the pointer down
 * @property {(app: App, press: Press) => void} up
 * @property {(app: App) => void} cancel a press that was begun leaves nothing behind
 * @property {(app: App, press: Press) => void} hover with the pointer up
 * @property {(context: CanvasRenderingContext2D, state: import("../state.js").State) => void} draw over everything else
 *
 * @typedef {import("../app.js").App} App
 */

import { box } from "./box.js";
import { brush, eraser } from "./brush.js";
import { look } from "./look.js";
import { select } from "./select.js";

/** @type {Record<string, Tool>} */
export const TOOLS = { select, box, brush, eraser, look };
