/** The parts of the editor, and how they are joined. */

import { Api } from "./api.js";
import { Choices } from "./choices.js";
import { Classes } from "./classes.js";
import { COMMANDS } from "./commands.js";
import { Describing } from "./describing.js";
import { Painter } from "./draw.js";
import { Editing } from "./editing.js";
import { Exporting } from "./exporting.js";
import { Gathering } from "./gathering.js";
import { Hovering } from "./hovering.js";
import { Keymap } from "./keys.js";
import { Looking } from "./looking.js";
import { Picking } from "./picking.js";
import { Session } from "./session.js";
import { Store } from "./state.js";
import { Sync } from "./sync.js";
import { TOOLS } from "./tools/index.js";
import { fit } from "./viewport.js";
import { Work } from "./work.js";

const LARGEST_BRUSH = 500; // source pixels

export class App {
  /** @param {HTMLElement} stage */
  constructor(stage) {
    this.stage = stage;
    this.store = new Store();
    this.api = new Api((connection) => this.store.set({ connection }));
    this.sync = new Sync(this.store, this.api);
    this.session = new Session(this.store, this.api, this.sync);
    this.work = new Work(this.store);
    this.classes = new Classes();
    this.picking = new Picking(this.store, this.api, this.work);
    this.choices = new Choices(this.store, this.work, this.picking);
    this.gathering = new Gathering(this.store, this.work, this.picking);
    this.hovering = new Hovering(this.store);
    this.describing = new Describing(this.store, this.api, this.work, this.picking);
    this.editing = new Editing(this.store, this.work, this.picking, this.classes);
    this.looking = new Looking(this.store, this.api, this.session, this.work);
    this.exporting = new Exporting(this.store, this.api, this.sync, this.work, this.session);
    this.keymap = new Keymap(COMMANDS, localStorage);
    this.painter = new Painter(stage, this.store, this.session, (context, state) => TOOLS[state.tool].draw(context, state));
    /** Has a person moved the picture? Then it stays where it is when the window changes. */
    this.fitted = { scale: 0, x: 0, y: 0 };

    this.session.onReady.push(() => {
      this.picking.answerWaiting();
      this.gathering.send();
      this.describing.again();
    });
    this.store.watch((state) => state.connection, (connection) => connection === "online" && this.describing.again());
    this.store.watch((state) => [state.image?.id, state.image?.width], () => this.fit());
    new ResizeObserver(() => this.store.state.view === this.fitted && this.fit()).observe(stage);
  }

  /** The whole picture. */
  fit() {
    const { image } = this.store.state;
    if (!image?.width) return;
    this.fitted = fit(image, this.painter.size);
    this.store.set({ view: this.fitted });
  }

  /** @param {string} id */
  useTool(id) {
    const { tool } = this.store.state;
    if (id === tool) return;
    TOOLS[tool].cancel(this);
    this.store.set({ tool: id, hover: null });
  }

  /** @param {number} steps */
  resizeBrush(steps) {
    const { brushSize } = this.store.state;
    const step = Math.max(1, Math.round(brushSize / 10)) * steps;
    this.store.set({ brushSize: Math.min(Math.max(brushSize + step, 1), LARGEST_BRUSH) });
  }

  /** @param {"undo"|"redo"} way */
  step(way) {
    if (way === "undo" && this.gathering.drop()) return;
    const name = this.work.step(way);
    this.work.tell(name ? `${way === "undo" ? "Undone" : "Redone"}: ${name}` : `There is nothing to ${way}.`);
  }

  /** @param {string} key @returns {import("./commands.js").Command|null} */
  commandOf(key) {
    const found = this.keymap.find(key);
    return COMMANDS.find((command) => command.id === found?.id) ?? null;
  }

  /** @param {string} id */
  run(id) {
    COMMANDS.find((command) => command.id === id)?.run(this);
  }

  /** @param {string} id of a command @returns {string} with its key */
  titleOf(id) {
    const command = COMMANDS.find((each) => each.id === id);
    const [key] = command ? this.keymap.keysOf(command) : [];
    return command ? `${command.title}${key ? ` (${key})` : ""}` : "";
  }

  focusText() {
    document.getElementById("describe")?.focus();
  }

  focusLabel() {
    const field = /** @type {HTMLInputElement|null} */ (document.getElementById("label"));
    if (field?.offsetParent) field.select();
    else this.work.tell("Select an object first.");
  }

  chooseFiles() {
    document.getElementById("files")?.click();
  }
}
