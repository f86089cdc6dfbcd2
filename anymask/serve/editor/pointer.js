/** From the browser's pointer, wheel and touch to the tools, and to zoom and pan. */

import { TOOLS } from "./tools/index.js";
import { pan, toImage, zoomAt } from "./viewport.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./types.js").Point} Point */

const WHEEL = 0.0022; // of a wheel's step, the logarithm of the zoom
const WALK = 40; // of a wheel's steps, for one step from part to whole

export class PointerInput {
  /** @param {App} app @param {HTMLElement} stage */
  constructor(app, stage) {
    this.app = app;
    this.stage = stage;
    /** Pointers that are down, in screen pixels. @type {Map<number, Point>} */
    this.down = new Map();
    /** @type {"tool"|"pan"|"pinch"|null} */
    this.doing = null;
    this.space = false;
    this.alt = false; // of the press that was begun
    this.control = false;
    this.walked = 0;
    stage.addEventListener("pointerdown", (event) => this.pressed(event));
    stage.addEventListener("pointermove", (event) => this.moved(event));
    stage.addEventListener("pointerup", (event) => this.released(event));
    stage.addEventListener("pointercancel", (event) => this.lost(event));
    stage.addEventListener("pointerleave", () => this.left());
    stage.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    addEventListener("keydown", (event) => this.held(event, true));
    addEventListener("keyup", (event) => this.held(event, false));
    addEventListener("blur", () => this.forget());
  }

  /** @param {MouseEvent} event @returns {import("./tools/index.js").Press} */
  press(event) {
    const { left, top } = this.stage.getBoundingClientRect();
    const screen = { x: event.clientX - left, y: event.clientY - top };
    const { view, mode, tool } = this.app.store.state;
    const choosing = tool === "select" || tool === "box";
    return {
      screen,
      at: toImage(view, screen),
      shift: event.shiftKey || (choosing && mode === "add"),
      alt: event.altKey || event.button === 2 || (event.buttons & 2) > 0 || (choosing && mode === "exclude"),
      ctrl: event.ctrlKey || event.metaKey,
    };
  }

  get tool() {
    return TOOLS[this.app.store.state.tool];
  }

  /** @param {PointerEvent} event */
  pressed(event) {
    if (!this.app.store.state.image?.width) return;
    this.stage.classList.add("by-pointer");
    this.stage.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    const press = this.press(event);
    this.down.set(event.pointerId, press.screen);
    if (this.down.size === 2) {
      this.tool.cancel(this.app);
      this.doing = "pinch";
    } else if (this.down.size === 1) {
      this.doing = this.space || event.button === 1 ? "pan" : "tool";
      if (this.doing === "tool") {
        this.alt = press.alt;
        this.tool.down(this.app, press);
      }
    }
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  moved(event) {
    this.stage.classList.add("by-pointer");
    const press = this.press(event);
    const before = this.down.get(event.pointerId);
    const { image } = this.app.store.state;
    if (!image?.width) return;
    this.app.store.set({ pointer: press.at });
    if (!before) return this.tool.hover(this.app, press);
    if (this.doing === "pinch") this.pinch(event.pointerId, press.screen);
    else if (this.doing === "pan") this.show(pan(this.app.store.state.view, press.screen.x - before.x, press.screen.y - before.y, image, this.app.painter.size));
    else if (this.doing === "tool") {
      // A stroke is as fine as the pointer was read, not as the frames
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length ? events : [event]) this.tool.move(this.app, { ...this.press(each), alt: this.alt || event.altKey });
    }
    this.down.set(event.pointerId, press.screen);
    return undefined;
  }

  /** @param {PointerEvent} event */
  released(event) {
    if (!this.down.delete(event.pointerId)) return;
    if (this.doing === "tool") this.tool.up(this.app, { ...this.press(event), alt: this.alt || event.altKey });
    if (!this.down.size || this.doing !== "pinch") this.doing = null;
  }

  /** @param {PointerEvent} event */
  lost(event) {
    this.down.delete(event.pointerId);
    if (this.doing === "tool") this.tool.cancel(this.app);
    this.doing = null;
  }

  left() {
    if (this.down.size) return;
    this.app.store.set({ pointer: null });
    this.app.hovering.leave();
  }

  /** @param {WheelEvent} event */
  wheeled(event) {
    event.preventDefault();
    const { image, view } = this.app.store.state;
    if (!image?.width) return;
    const press = this.press(event);
    const pixels = event.deltaY * (event.deltaMode === 1 ? 30 : event.deltaMode === 2 ? 300 : 1);
    // A pinch on a touchpad comes as a wheel with Ctrl, which is held by nobody
    if (event.ctrlKey && this.control) {
      this.walked -= pixels;
      while (Math.abs(this.walked) >= WALK) {
        this.app.hovering.climb(this.walked > 0 ? 1 : -1);
        this.walked -= Math.sign(this.walked) * WALK;
        if (Math.abs(pixels) >= WALK) this.walked = 0; // a wheel with steps: one for each
      }
    } else this.show(zoomAt(view, Math.exp(-pixels * (event.ctrlKey ? 4 : 1) * WHEEL), press.screen, image, this.app.painter.size));
  }

  /** Two fingers: zoom and pan at once. @param {number} id @param {Point} now */
  pinch(id, now) {
    const { image, view } = this.app.store.state;
    const [other] = [...this.down].filter(([each]) => each !== id).map(([, at]) => at);
    const before = this.down.get(id);
    if (!other || !before || !image) return;
    const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(Math.hypot(before.x - other.x, before.y - other.y), 1);
    const size = this.app.painter.size;
    const moved = pan(view, (now.x - before.x) / 2, (now.y - before.y) / 2, image, size);
    this.show(zoomAt(moved, factor, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }, image, size));
  }

  /** @param {import("./viewport.js").View} view */
  show(view) {
    this.app.store.set({ view });
  }

  /** @param {KeyboardEvent} event @param {boolean} isDown */
  held(event, isDown) {
    if (event.key === "Control") this.control = isDown;
    if ((event.key === "Control" || event.key === "Meta") && !isDown) this.app.gathering.send();
    if (event.key === " " && (event.target === this.stage || !isDown)) {
      this.space = isDown;
      if (isDown) event.preventDefault();
      this.stage.classList.toggle("panning", isDown);
    }
  }

  forget() {
    this.space = this.control = false;
    this.app.gathering.send();
    this.stage.classList.remove("panning");
    if (this.doing === "tool") this.tool.cancel(this.app);
    this.down.clear();
    this.doing = null;
  }
}
