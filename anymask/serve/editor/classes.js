/** Labels that were given before, with their colours: remembered by this browser. */

const KEPT = "anymask.classes";
const MOST = 200;

export class Classes {
  constructor() {
    /** The latest first. @type {{label: string, colour: string|null}[]} */
    this.known = [];
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
      if (Array.isArray(kept)) this.known = kept.filter((each) => typeof each?.label === "string");
    } catch {
      // What the browser kept cannot be read: begin anew
    }
  }

  /** @param {string} label @returns {string|null} */
  colourOf(label) {
    return this.known.find((each) => each.label === label)?.colour ?? null;
  }

  /** @param {string} label @param {string|null} colour */
  remember(label, colour) {
    if (!label) return;
    this.known = [{ label, colour }, ...this.known.filter((each) => each.label !== label)].slice(0, MOST);
    try {
      localStorage.setItem(KEPT, JSON.stringify(this.known));
    } catch {
      // Known until the page is closed
    }
  }
}
