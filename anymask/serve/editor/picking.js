/**
 * From a click or a box to a thing. What was outlined is taken at once; then the server draws it at the picture's own
 * pixels, and the better mask takes its place without being a step of its own.
 */

import { UnreachableError } from "./api.js";
import { boundsOf, areaOf } from "./masks/shapes.js";
import { encode } from "./masks/rle.js";
import { combine, contains, iou } from "./masks/runs.js";
import { freeColour } from "./palette.js";
import { activeThing } from "./state.js";
import { newId } from "./work.js";

/** @typedef {import("./types.js").Thing} Thing */
/** @typedef {import("./types.js").Point} Point */
/** @typedef {import("./types.js").Prompt} Prompt */
/** @typedef {import("./types.js").PointPrompt} PointPrompt */
/** @typedef {import("./types.js").Picked} Picked */
/** @typedef {import("./types.js").Rle} Rle */
/** @typedef {{shift: boolean, alt: boolean}} Keys */

const SAME = 0.9; // an object of which the outlined mask covers so much is that object
const ALIKE = 0.5; // an answer that agrees less with what was outlined is another thing
const CANDIDATES = 3;

export class Picking {
  /**
   * @param {import("./state.js").Store} store @param {import("./api.js").Api} api @param {import("./work.js").Work} work
   */
  constructor(store, api, work) {
    this.store = store;
    this.api = api;
    this.work = work;
  }

  /**
   * @param {Point} at in source pixels
   * @param {Keys} keys shift adds to the object that is worked on, alt takes away from it
   * @param {number} mask the one outlined, -1 for none
   */
  async click(at, { shift, alt }, mask) {
    const { state } = this.store;
    if (!state.index) {
      if (state.progress && state.progress.stage !== "failed") this.store.set({ waitingClicks: [...state.waitingClicks, { at, shift, alt }] });
      return;
    }
    const active = activeThing(state);
    if (alt && !active) this.work.tell("Select an object first; then Alt or right-click what does not belong to it.");
    else if (active && (shift || alt)) await this.correct(at, alt ? 0 : 1, mask);
    else {
      const there = mask >= 0 ? this.thingLike(state.index.masks[mask].rle, at) : null;
      if (there) this.store.set({ chosen: [there.id] });
      else await this.select({ type: "point", points: [[at.x, at.y]], labels: [1] }, mask);
    }
  }

  /** Answer the clicks that were made before the masks were there. */
  async answerWaiting() {
    const { waitingClicks, index } = this.store.state;
    if (!index) return;
    this.store.set({ waitingClicks: [] });
    for (const { at, shift, alt } of waitingClicks) await this.click(at, { shift, alt }, index.at(at.x, at.y));
  }

  /**
   * @param {import("./types.js").Box} box
   * @param {Keys} keys
   */
  async box(box, { shift, alt }) {
    const active = activeThing(this.store.state);
    const prompt = /** @type {Prompt} */ ({ type: "box", box });
    if (!active || !(shift || alt)) return this.select(prompt, -1);
    const thing = this.work.editable;
    if (!thing) return undefined;
    const [best] = await this.candidates([prompt]);
    if (best?.rle) this.join(thing, best.rle, alt ? "subtract" : "union");
    else this.work.tell("Nothing was found in that box.");
    return undefined;
  }

  /**
   * A new thing.
   * @param {Prompt} prompt @param {number} mask the one outlined, -1 for none
   */
  async select(prompt, mask) {
    const prompts = [prompt];
    const { index } = this.store.state;
    const outlined = mask >= 0 ? (index?.masks[mask] ?? null) : null;
    let thing = outlined && this.add({ prompts, mask, score: outlined.score, rle: outlined.rle });
    const place = prompt.type === "point" ? { x: prompt.points[0][0], y: prompt.points[0][1] } : null;
    const answers = await this.answering(thing, place, () => this.candidates(prompts));
    if (!answers) return;
    const best = outlined ? likest(answers, outlined.rle) : answers[0];
    if (thing) {
      if (best?.rle) this.work.amend(thing, { rank: best.rank, mask: best.id, score: best.score, rle: best.rle });
    } else if (best?.rle) thing = this.add({ prompts, rank: best.rank, mask: best.id, score: best.score, rle: best.rle });
    else this.work.tell(prompt.type === "box" ? "Nothing was found in that box." : "Nothing was found there. Draw a box around it, or paint it with the brush.");
  }

  /**
   * One more point on the thing that is worked on, inside or outside.
   * @param {Point} at @param {0|1} label @param {number} mask the one outlined, -1 for none
   */
  async correct(at, label, mask) {
    const thing = this.work.editable;
    if (!thing) return;
    const { index } = this.store.state;
    const outlined = mask >= 0 ? (index?.masks[mask].rle ?? null) : null;
    const prompt = pointPrompt(thing);
    if (!prompt) {
      if (outlined) this.join(thing, outlined, label ? "union" : "subtract");
      else this.work.tell("There is no mask under the pointer. The brush and the eraser change any mask.");
      return;
    }
    await this.prompted(label ? "Add" : "Exclude", thing, withPoints(prompt, [{ at, alt: !label }]), this.guess(thing, outlined, at, label));
  }

  /** @param {Thing} thing @param {number} number of the point in its prompt */
  async removePoint(thing, number) {
    const prompt = pointPrompt(thing);
    if (!prompt || thing.locked) return;
    const left = { ...prompt, points: prompt.points.filter((_, at) => at !== number), labels: prompt.labels.filter((_, at) => at !== number) };
    if (!left.labels.includes(1)) this.work.change("Remove point", this.store.state.things.filter((each) => each !== thing));
    else await this.prompted("Remove point", thing, left, thing.rle);
  }

  /**
   * Another prompt for a thing: a guess at once, and the server's answer when it comes.
   * @param {string} name @param {Thing} thing @param {PointPrompt} prompt @param {Rle} guess
   */
  async prompted(name, thing, prompt, guess) {
    const prompts = [prompt];
    const guessed = this.work.replace(name, thing, { prompts, prompt: 0, rank: 0, mask: null, edited: false, refine: null, zoom: null, looks: null, rle: guess });
    const answers = await this.answering(guessed, null, () => this.candidates(prompts));
    const best = answers?.[0];
    if (best?.rle) this.work.amend(guessed, { mask: best.id, score: best.score, rle: best.rle, rank: best.rank });
    else if (answers) this.work.tell("Nothing fits all these points.");
  }

  /** @param {Thing} thing @param {Rle|null} outlined @param {Point} at @param {0|1} label @returns {Rle} */
  guess(thing, outlined, at, label) {
    const isIn = contains(boundsOf(thing.rle), at.x, at.y, thing.rle.size[0]);
    if (!outlined || isIn === Boolean(label)) return thing.rle;
    if (!label && areaOf(outlined) > SAME * areaOf(thing.rle)) return thing.rle;
    return joined(thing.rle, outlined, label ? "union" : "subtract");
  }

  /** @param {Thing} thing @param {Rle} rle @param {import("./masks/runs.js").Way} way */
  join(thing, rle, way) {
    this.work.replace(way === "union" ? "Add" : "Exclude", thing, { edited: true, rle: joined(thing.rle, rle, way) });
  }

  /** @param {Partial<Thing> & {rle: Rle}} fields @param {string} [name] @returns {Thing} a new thing, which is chosen */
  add(fields, name = "Select") {
    const { things } = this.store.state;
    const thing = this.made(fields, things);
    this.work.change(name, [...things, thing], [thing.id]);
    return thing;
  }

  /** @param {Partial<Thing> & {rle: Rle}} fields @param {Thing[]} things those there are @returns {Thing} */
  made(fields, things) {
    return {
      id: newId(),
      label: "",
      colour: freeColour(things.map((thing) => thing.colour)),
      visible: true,
      locked: false,
      prompts: [],
      rank: 0,
      mask: null,
      edited: false,
      score: null,
      prompt: 0,
      refine: null,
      zoom: null,
      looks: null,
      ...fields,
    };
  }

  /** @param {Rle} rle @param {Point} at @returns {Thing|null} the thing that this mask is already */
  thingLike(rle, at) {
    const bounds = boundsOf(rle);
    for (const thing of [...this.store.state.things].reverse()) {
      if (!thing.visible) continue;
      const own = boundsOf(thing.rle);
      if (thing.rle === rle || (contains(own, at.x, at.y, rle.size[0]) && iou(own, bounds) > SAME)) return thing;
    }
    return null;
  }

  /**
   * Ask, and show meanwhile that an answer is to come: on the thing, or at a place.
   * @param {Thing|null} thing @param {Point|null} place
   * @param {() => Promise<Picked[]>} ask
   * @returns {Promise<Picked[]|null>} null where none came, which is told
   */
  async answering(thing, place, ask) {
    const { store } = this;
    const waiting = thing || !place ? null : { at: place, shift: false, alt: false };
    if (thing) store.set({ answering: [...store.state.answering, thing.id] });
    if (waiting) store.set({ waitingClicks: [...store.state.waitingClicks, waiting] });
    try {
      return await ask();
    } catch (error) {
      if (error instanceof UnreachableError) this.work.tell(thing ? "The server does not answer: the mask stays as it was outlined." : "The server does not answer. Try again when it is back.", "error");
      else this.work.tell(error instanceof Error ? error.message : String(error), "error");
      return null;
    } finally {
      if (waiting) store.set({ waitingClicks: store.state.waitingClicks.filter((each) => each !== waiting) });
      if (thing) {
        // After the better mask has taken its place, so that the guess is not sent first
        setTimeout(() => store.set({ answering: without(store.state.answering, thing.id) }));
      }
    }
  }

  /** @param {Prompt[]} prompts @returns {Promise<Picked[]>} best first; kept as what these prompts can mean */
  async candidates(prompts) {
    const image = this.store.state.image?.id;
    const answer = await this.api.json("POST", `/v1/images/${image}/select`, { body: { prompts, candidates: CANDIDATES } });
    if (this.store.state.image?.id !== image) return [];
    this.store.set({ choices: new Map(this.store.state.choices).set(prompts, answer.masks) });
    return answer.masks;
  }
}

/** @param {string[]} ids @param {string} id @returns {string[]} without the first of it */
function without(ids, id) {
  const at = ids.indexOf(id);
  return at < 0 ? ids : ids.toSpliced(at, 1);
}

/** @param {Picked[]} answers @param {Rle} rle @returns {Picked|null} the one that is most like a mask, if any is */
function likest(answers, rle) {
  const bounds = boundsOf(rle);
  let best = null;
  let most = ALIKE;
  for (const answer of answers) {
    const alike = answer.rle ? iou(boundsOf(answer.rle), bounds) : 0;
    if (alike > most) [best, most] = [answer, alike];
  }
  return best;
}

/** @param {Thing} thing @returns {PointPrompt|null} what further points can be added to */
export function pointPrompt(thing) {
  const [prompt] = thing.prompts;
  return thing.prompts.length === 1 && prompt.type === "point" && !thing.edited ? prompt : null;
}

/** @param {PointPrompt} prompt @param {{at: Point, alt: boolean}[]} clicks @returns {PointPrompt} with these points, too */
export function withPoints({ type, points, labels }, clicks) {
  return {
    type,
    points: [...points, ...clicks.map(({ at }) => /** @type {[number, number]} */ ([at.x, at.y]))],
    labels: [...labels, ...clicks.map(({ alt }) => (alt ? 0 : 1))],
  };
}

/** @param {Rle} one @param {Rle} other @param {import("./masks/runs.js").Way} way @returns {Rle} */
export function joined(one, other, way) {
  return { size: one.size, counts: encode(combine(boundsOf(one), boundsOf(other), way), one.size[0] * one.size[1]) };
}
