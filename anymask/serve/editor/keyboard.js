/** Keys: commands anywhere outside text fields, and on the picture the walk from mask to mask or a pointer moved by keys. */

import { nameOf } from "./keys.js";
import { TOOLS } from "./tools/index.js";
import { inside, pan, toImage, toScreen } from "./viewport.js";

/** @typedef {import("./app.js").App} App */

const STEP = 12; // screen pixels that an arrow key moves the pointer
const ARROWS = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] });

export class KeyboardInput {
  /** @param {App} app @param {HTMLElement} stage */
  constructor(app, stage) {
    this.app = app;
    this.stage = stage;
    /** Commands whose key is held. @type {Map<string, import("./commands.js").Command>} */
    this.held = new Map();
    this.pressing = false;
    addEventListener("keydown", (event) => this.pressed(event));
    addEventListener("keyup", (event) => this.released(event));
    addEventListener("blur", () => this.forget());
    stage.addEventListener("blur", () => this.letGo());
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    this.stage.classList.remove("by-pointer");
    if (event.defaultPrevented || this.app.store.state.dialog) return;
    const typing = isTextField(event.target);
    const key = nameOf(event);
    if (event.key === "Escape") this.escape(event);
    else if (event.target === this.stage && this.onStage(event, key)) event.preventDefault();
    else if (typing) return;
    else {
      const command = this.app.commandOf(key);
      // Buttons keep Enter and Space; Ctrl+C copies text where some is selected
      if (!command || (command.id === "copy" && getSelection()?.toString())) return;
      event.preventDefault();
      if (command.release) {
        if (event.repeat) return;
        this.held.set(event.code, command);
      }
      command.run(this.app);
    }
  }

  /** @param {KeyboardEvent} event */
  released(event) {
    const command = this.held.get(event.code);
    this.held.delete(event.code);
    command?.release?.(this.app);
  }

  forget() {
    for (const command of this.held.values()) command.release?.(this.app);
    this.held.clear();
  }

  /** @param {KeyboardEvent} event @param {string} key @returns {boolean} whether it meant something here */
  onStage(event, key) {
    const { app } = this;
    const { tool, hover, gathered } = app.store.state;
    if (tool !== "select") return this.byPointer(event);
    if (key === "ArrowUp" || key === "ArrowDown") app.hovering.climb(key === "ArrowUp" ? 1 : -1);
    else if (key === "ArrowLeft" || key === "ArrowRight") app.hovering.beside(key === "ArrowRight" ? 1 : -1);
    else if (event.key === "Tab" && hover && !event.ctrlKey) app.hovering.beside(event.shiftKey ? -1 : 1);
    else if (event.key === "Enter" && gathered.length) app.gathering.send();
    else if (event.key === "Enter" && hover) {
      const at = app.hovering.place;
      if (at) app.picking.click(at, { shift: event.shiftKey, alt: event.altKey }, hover.mask);
      app.hovering.hush();
    } else if (event.key === "Enter") {
      if (!app.describing.take()) app.store.set({ chosen: [] });
    } else return false;
    this.show();
    return true;
  }

  /** Arrow keys move the pointer, Enter presses and lets go. @param {KeyboardEvent} event @returns {boolean} */
  byPointer(event) {
    const { app } = this;
    const { image, pointer, view, tool } = app.store.state;
    if (!image?.width) return false;
    const size = app.painter.size;
    const at = inside(pointer ?? toImage(view, { x: size.width / 2, y: size.height / 2 }), image);
    const press = { at, screen: toScreen(view, at), shift: event.shiftKey, alt: event.altKey, ctrl: event.ctrlKey };
    const arrow = ARROWS[event.key];
    if (arrow) {
      const step = event.shiftKey ? 1 : STEP / view.scale;
      const next = inside({ x: at.x + arrow[0] * step, y: at.y + arrow[1] * step }, image);
      app.store.set({ pointer: next });
      if (this.pressing) TOOLS[tool].move(app, { ...press, at: next, shift: false });
      this.show(next);
    } else if (event.key === "Enter") {
      if (this.pressing) TOOLS[tool].up(app, press);
      else {
        app.store.set({ pointer: at });
        TOOLS[tool].down(app, press);
      }
      this.pressing = !this.pressing;
    } else return false;
    return true;
  }

  letGo() {
    if (this.pressing) TOOLS[this.app.store.state.tool].cancel(this.app);
    this.pressing = false;
  }

  /** @param {KeyboardEvent} event */
  escape(event) {
    const { store, describing } = this.app;
    const { state } = store;
    this.letGo();
    if (state.stroke || state.dragged) TOOLS[state.tool].cancel(this.app);
    else if (state.gathered.length) store.set({ gathered: [] });
    else if (state.described.text) describing.clear();
    else if (state.hover?.walked) store.set({ hover: null });
    else if (state.waitingClicks.length) store.set({ waitingClicks: [] });
    else if (state.chosen.length) store.set({ chosen: [] });
    else if (state.tool !== "select") this.app.useTool("select");
    if (isTextField(event.target)) this.stage.focus();
  }

  /** Keep what the keys are at on the screen. @param {import("./types.js").Point|null} [at] */
  show(at = this.app.hovering.place) {
    const { image, view } = this.app.store.state;
    if (!at || !image) return;
    const { x, y } = toScreen(view, at);
    const size = this.app.painter.size;
    const dx = x < 0 ? 40 - x : x > size.width ? size.width - 40 - x : 0;
    const dy = y < 0 ? 40 - y : y > size.height ? size.height - 40 - y : 0;
    if (dx || dy) this.app.store.set({ view: pan(view, dx, dy, image, size) });
  }
}

/** @param {EventTarget|null} target */
function isTextField(target) {
  return target instanceof HTMLElement && (target.matches("textarea, select, input:not([type=range], [type=checkbox], [type=color])") || target.isContentEditable);
}
