/**
 * The state of the editor: one immutable object, replaced as a whole.
 *
 * What is drawn, shown and saved follows from it alone. Things that cannot be written down, such as the decoded picture,
 * are held by session.js.
 */

/** @typedef {import("./types.js").Thing} Thing */
/** @typedef {import("./types.js").Point} Point */
/** @typedef {import("./types.js").Box} Box */

/**
 * @typedef {object} Progress how far the finding of masks is
 * @property {"sending"|"waiting"|"working"|"ready"|"failed"} stage
 * @property {number} ahead pictures before this one
 * @property {number} done @property {number} total masks drawn anew, 0 where that is not known
 * @property {string|null} error
 */

/**
 * @typedef {object} Hover what is outlined before a click
 * @property {number} smallest the mask it began with
 * @property {number} mask the one outlined, after walking up or down
 * @property {number[]} path masks gone up through, to come down the same way
 * @property {boolean} walked by keys, not by the pointer
 * @property {boolean} quiet it was clicked: what came of it is shown, not the outline
 */

/**
 * @typedef {object} Described what the text field found
 * @property {string} text as typed
 * @property {import("./types.js").Query|null} edited the query where chips were changed
 * @property {import("./types.js").TextAnswer|null} answer
 * @property {{mask: number|null, rle: import("./types.js").Rle, score: number, rank: number}[]} matches best first
 * @property {{mask: number, rle: import("./types.js").Rle, score: number}[]} below what nearly fits, best first
 * @property {number} lit the match or nearest mask pointed at in the panel, -1 for none; as a mask's index
 * @property {boolean} busy
 * @property {string} said why there is no answer: what was typed so far says nothing yet, or the server is gone
 */

/**
 * @typedef {object} Conflict an object that somebody else changed meanwhile
 * @property {Thing} mine
 * @property {Thing|null} theirs null where they deleted it
 * @property {number} revision theirs
 */

/**
 * @typedef {object} State
 * @property {import("./types.js").ImageInfo[]} images without masks, the newest first
 * @property {import("./types.js").ImageInfo|null} image
 * @property {Progress|null} progress of the image; null before one is opened
 * @property {import("./masks/mask_index.js").MaskIndex|null} index null until the masks can be hovered
 * @property {Thing[]} things of the image
 * @property {string|null} thingsOf the image whose things these are; null until they are read
 * @property {string[]} chosen ids of selected things, the last one is worked on
 * @property {string[]} answering ids of things whose refined mask is still to come
 * @property {ReadonlyMap<import("./types.js").Prompt[], import("./types.js").Picked[]>} choices what prompts can mean, as answered
 * @property {import("./types.js").Rle|null} preview a choice that is pointed at
 * @property {{at: Point, shift: boolean, alt: boolean}[]} waitingClicks made before the masks were there
 * @property {{at: Point, shift: boolean, alt: boolean, mask: number}[]} gathered clicks made while Ctrl is held
 * @property {Hover|null} hover
 * @property {Point|null} pointer in source pixels
 * @property {import("./viewport.js").View} view
 * @property {string} tool
 * @property {"new"|"add"|"exclude"} mode what a click or box does without keys, for fingers
 * @property {number} brushSize source pixels
 * @property {{tool: string, path: Point[]}|null} stroke being drawn
 * @property {Box|null} dragged box being drawn
 * @property {Described} described
 * @property {boolean} showAll
 * @property {number} opacity of masks, in [0, 1]
 * @property {number} sure masks that score lower are not hovered
 * @property {Box|null} looking region of a closer look under way
 * @property {"online"|"offline"} connection
 * @property {number} unsaved changes that the server has not confirmed
 * @property {Conflict[]} conflicts
 * @property {string|null} dialog
 * @property {{text: string, kind: "info"|"error", id: number}|null} notice
 */

/** @returns {State} */
export function initialState() {
  return {
    images: [],
    image: null,
    progress: null,
    index: null,
    things: [],
    thingsOf: null,
    chosen: [],
    answering: [],
    choices: new Map(),
    preview: null,
    waitingClicks: [],
    gathered: [],
    hover: null,
    pointer: null,
    view: { scale: 1, x: 0, y: 0 },
    tool: "select",
    mode: "new",
    brushSize: 20,
    stroke: null,
    dragged: null,
    described: nothingDescribed(),
    showAll: false,
    opacity: 0.5,
    sure: 0.05,
    looking: null,
    connection: "online",
    unsaved: 0,
    conflicts: [],
    dialog: null,
    notice: null,
  };
}

/** @returns {Described} */
export function nothingDescribed() {
  return { text: "", edited: null, answer: null, matches: [], below: [], lit: -1, busy: false, said: "" };
}

/** What is left of an image when another one is opened. */
export function noImage() {
  const { image, progress, index, things, thingsOf, chosen, answering, choices, preview, waitingClicks, gathered, hover, pointer, stroke, dragged, described, looking, conflicts } =
    initialState();
  return { image, progress, index, things, thingsOf, chosen, answering, choices, preview, waitingClicks, gathered, hover, pointer, stroke, dragged, described, looking, conflicts };
}

/**
 * @template T
 * @typedef {{select: (state: State) => T, run: (value: T, state: State) => void, last: T}} Watcher
 */

export class Store {
  /** @param {State} [state] */
  constructor(state = initialState()) {
    /** @type {State} */
    this.state = Object.freeze(state);
    /** @type {Watcher<any>[]} */
    this.watchers = [];
  }

  /** @param {Partial<State>} change */
  set(change) {
    this.state = Object.freeze({ ...this.state, ...change });
    for (const watcher of this.watchers) {
      const value = watcher.select(this.state);
      if (same(value, watcher.last)) continue;
      watcher.last = value;
      watcher.run(value, this.state);
    }
  }

  /**
   * Have `run` called with what `select` takes of the state, at once and whenever that is another one.
   * @template T
   * @param {(state: State) => T} select may return an array of parts, which are compared one by one
   * @param {(value: T, state: State) => void} run
   * @returns {() => void} ends it
   */
  watch(select, run) {
    const watcher = { select, run, last: select(this.state) };
    this.watchers.push(watcher);
    run(watcher.last, this.state);
    return () => {
      this.watchers = this.watchers.filter((each) => each !== watcher);
    };
  }
}

/** @param {unknown} one @param {unknown} other */
function same(one, other) {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((part, index) => Object.is(part, other[index]));
  }
  return Object.is(one, other);
}

/** @param {State} state @returns {Thing|null} the thing that is worked on */
export function activeThing(state) {
  const id = state.chosen[state.chosen.length - 1];
  return state.things.find((thing) => thing.id === id) ?? null;
}
