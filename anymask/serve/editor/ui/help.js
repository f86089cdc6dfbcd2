/** The shortcut sheet, where keys can be changed. */

import { COMMANDS, GESTURES } from "../commands.js";
import { nameOf } from "../keys.js";
import { make } from "./dom.js";

/** @typedef {import("../app.js").App} App */

/** @param {App} app @returns {Node[]} */
export function helpDialog(app) {
  const told = make("p", { className: "told", role: "status" });
  const sheet = make("div", { className: "sheet" });
  const show = () => {
    const groups = [...new Set(COMMANDS.map((command) => command.group))];
    const sections = [
      section("On the picture", GESTURES.map(([keys, title]) => make("li", {}, make("span", {}, title), make("span", { className: "keys" }, ...keys.split(", ").map((key) => make("kbd", {}, key)))))),
      ...groups.map((group) => section(group, COMMANDS.filter((command) => command.group === group).map((command) => row(app, command, told, show)))),
    ];
    const left = ["On the picture", "Tools", "Help"];
    const [one, other] = [make("div"), make("div")];
    sections.forEach((each) => (left.includes(each.firstElementChild?.textContent ?? "") ? one : other).append(each));
    sheet.replaceChildren(one, other);
  };
  show();
  const reset = () => {
    app.keymap.reset();
    told.textContent = "";
    show();
  };
  return [
    make("div", { className: "row" }, make("p", { className: "hint" }, "Click a key to give a command another one."), told),
    sheet,
    make("div", { className: "row" }, make("button", { type: "button", className: "button", onclick: reset }, "All keys as they were")),
  ];
}

/** @param {string} title @param {Node[]} rows */
function section(title, rows) {
  return make("section", {}, make("h3", {}, title), make("ul", {}, ...rows));
}

/** @param {App} app @param {import("../commands.js").Command} command @param {HTMLElement} told @param {() => void} show */
function row(app, command, told, show) {
  const keys = app.keymap.keysOf(command);
  const button = make("button", { type: "button", "aria-label": `${command.title}: ${keys.join(" or ")}. Change the key`, onclick: () => listen() }, ...keys.map((key) => make("kbd", {}, key)));
  const listen = () => {
    button.classList.add("listening");
    told.textContent = `Press the new key for “${command.title}”; Esc leaves it.`;
    button.addEventListener("keydown", pressed);
    button.addEventListener("blur", stop, { once: true });
  };
  const stop = () => {
    button.classList.remove("listening");
    button.removeEventListener("keydown", pressed);
  };
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    const key = nameOf(event);
    if (!key) return;
    event.preventDefault();
    event.stopPropagation();
    if (key === "Escape") {
      told.textContent = "";
      return stop();
    }
    const why = app.keymap.assign(command, key);
    told.textContent = why ?? "";
    if (!why) {
      stop();
      show();
    }
    return undefined;
  };
  return make("li", {}, make("span", {}, command.title), make("span", { className: "keys" }, button));
}
