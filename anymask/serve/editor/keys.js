/** Which key runs which command: defaults, keys of one's own, and a check that none is given twice. */

const KEPT = "anymask.keys";

/** Keys that the browser or the editor's canvas needs for itself, and why. */
const TAKEN = /** @type {Record<string, string>} */ ({
  "Ctrl+W": "closes the tab", "Ctrl+T": "opens a tab", "Ctrl+N": "opens a window", "Ctrl+R": "loads the page again",
  "Ctrl+V": "pastes a picture", Tab: "goes to the next mask or field", "Shift+Tab": "goes back", Space: "held, moves the picture",
  Enter: "takes what is outlined", Escape: "cancels", ArrowUp: "goes to the whole", ArrowDown: "goes to a part",
  ArrowLeft: "goes to the mask before", ArrowRight: "goes to the next mask",
});

/**
 * The name of a key as it is shown and compared, such as "Ctrl+Shift+Z"; "" for a modifier alone. Cmd counts as Ctrl.
 * @param {KeyboardEvent} event
 */
export function nameOf(event) {
  if (["Control", "Shift", "Alt", "Meta", "AltGraph"].includes(event.key)) return "";
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  // Shift is part of the sign on keys such as ? and {
  const shift = event.shiftKey && (key.length > 1 || /[A-Z]/.test(key));
  return [event.ctrlKey || event.metaKey ? "Ctrl" : "", event.altKey ? "Alt" : "", shift ? "Shift" : "", key].filter(Boolean).join("+");
}

/** @typedef {{id: string, title: string, keys: string[]}} Keyed */

export class Keymap {
  /** @param {Keyed[]} commands @param {Pick<Storage, "getItem"|"setItem">} storage */
  constructor(commands, storage) {
    this.commands = commands;
    this.storage = storage;
    /** @type {Record<string, string[]>} */
    this.own = {};
    try {
      const kept = JSON.parse(storage.getItem(KEPT) ?? "{}");
      for (const { id } of commands) if (Array.isArray(kept?.[id])) this.own[id] = kept[id].map(String);
    } catch {
      // What the browser kept cannot be read: the defaults hold
    }
  }

  /** @param {Keyed} command @returns {string[]} */
  keysOf(command) {
    return this.own[command.id] ?? command.keys;
  }

  /** @param {string} key @returns {Keyed|null} */
  find(key) {
    return this.commands.find((command) => this.keysOf(command).includes(key)) ?? null;
  }

  /** @param {string} key @param {Keyed} command @returns {string|null} why this command cannot have that key */
  conflict(key, command) {
    if (!key) return "Press a letter, a sign or a function key.";
    if (TAKEN[key]) return `${key} ${TAKEN[key]}. Choose another key.`;
    const other = this.find(key);
    return other && other.id !== command.id ? `${key} is the key of “${other.title}” already. Choose another, or change that one first.` : null;
  }

  /** @param {Keyed} command @param {string} key @returns {string|null} why not; null where it is done */
  assign(command, key) {
    const why = this.conflict(key, command);
    if (why) return why;
    this.own = { ...this.own, [command.id]: [key] };
    this.keep();
    return null;
  }

  /** Back to the keys that were there at first. */
  reset() {
    this.own = {};
    this.keep();
  }

  keep() {
    try {
      this.storage.setItem(KEPT, JSON.stringify(this.own));
    } catch {
      // They hold until the page is closed
    }
  }
}
