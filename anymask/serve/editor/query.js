/** A query as chips, one for each thing it says, and the query without one or with another word in its place. */

import { ORDERS, PLACES, RELATIONS, SIZES } from "./vocabulary.js";

/** @typedef {import("./types.js").Query} Query */

/**
 * @typedef {object} Chip
 * @property {string} kind what is said before the word, "" for a plain one
 * @property {string} word "" where there are parts
 * @property {(string|number)[]} path where in the query it stands
 * @property {boolean} editable whether another word can be put in its place
 * @property {string[]} choices of which that must be one; any word where there are none
 * @property {Chip[]} parts of what is said of other things: "on the red sofa" is a chip of three
 */

const ANYTHING = "anything";

/** @param {Query} query @param {(string|number)[]} [path] where it stands in a larger one @returns {Chip[]} */
export function chipsOf(query, path = []) {
  /** @type {Chip[]} */
  const chips = [];
  /** @param {string} kind @param {string} word @param {(string|number)[]} where @param {Partial<Chip>} [more] */
  const add = (kind, word, where, more) => chips.push({ kind, word, path: [...path, ...where], editable: true, choices: [], parts: [], ...more });
  /** @param {"find"|"colour"|"size"|"position"|"unused"} field @param {string} kind @param {Partial<Chip>} [more] */
  const words = (field, kind, more) => query[field]?.forEach((word, at) => add(kind, word, [field, at], more));
  words("colour", "");
  words("size", "", { choices: SIZES });
  words("find", "");
  words("position", "at", { choices: PLACES });
  if (query.pick) {
    const nth = chip("", ordinal(query.pick.nth ?? 1), [...path, "pick", "nth"]);
    add("order", "", ["pick"], { parts: [nth, chip("by", query.pick.by, [...path, "pick", "by"], ORDERS)] });
  }
  if (query.count) add("at most", String(query.count), ["count"]);
  query.relations?.forEach(({ relation, to, and }, at) => {
    const where = [...path, "relations", at];
    // "Between" has two things and the others have one: so it is no choice for them, nor they for it
    const choices = and ? [] : RELATIONS.filter((each) => each !== "between");
    const parts = [chip("", relation, [...where, "relation"], choices, !and), ...thing(to, [...where, "to"])];
    if (and) parts.push(chip("and", "", [...where, "and"], [], false), ...thing(and, [...where, "and"]));
    add("", "", ["relations", at], { parts });
  });
  query.not?.forEach((each, at) => add("without", "", ["not", at], { parts: thing(each, [...path, "not", at]) }));
  query.or?.forEach((each, at) => add("or", "", ["or", at], { parts: thing(each, [...path, "or", at]) }));
  words("unused", "not used", { editable: false });
  return chips;
}

/** @param {string} kind @param {string} word @param {(string|number)[]} path @param {string[]} choices @param {boolean} editable @returns {Chip} */
function chip(kind, word, path, choices = [], editable = true) {
  return { kind, word, path, editable, choices, parts: [] };
}

/** @param {Query} query @param {(string|number)[]} path @returns {Chip[]} */
function thing(query, path) {
  const parts = chipsOf(query, path);
  return parts.length ? parts : [chip("", ANYTHING, path, [], false)];
}

/** @param {Query} query @param {Chip} chip @returns {Query} */
export function withoutChip(query, { path }) {
  return /** @type {Query} */ (changed(query, path, undefined) ?? {});
}

/** @param {Query} query @param {Chip} chip @param {string} word nothing removes it @returns {Query} */
export function withWord(query, chip, word) {
  if (!word) return withoutChip(query, chip);
  const last = chip.path[chip.path.length - 1];
  const next = last === "count" ? Math.max(1, Math.round(Number(word)) || 1) : last === "nth" ? numeral(word) : word;
  return /** @type {Query} */ (changed(query, chip.path, next));
}

/**
 * A value with something else at a path, or without it; what would say nothing any more goes too.
 * @param {any} value @param {(string|number)[]} path @param {unknown} next undefined: nothing
 * @returns {any} undefined where nothing is left
 */
function changed(value, path, next) {
  if (!path.length) return next;
  const [key, ...rest] = path;
  const inner = changed(value[key], rest, next);
  if (Array.isArray(value)) {
    const left = inner === undefined ? value.toSpliced(Number(key), 1) : value.toSpliced(Number(key), 1, inner);
    return left.length ? left : undefined;
  }
  const { [key]: _, ...others } = value;
  const left = inner === undefined ? others : { ...value, [key]: inner };
  const broken = value.relation ? !left.relation || !left.to || Boolean(value.and) !== Boolean(left.and) : value.by && !left.by;
  if (broken) return undefined;
  return Object.keys(left).length ? left : undefined;
}

/** @param {Chip} chip @returns {string} what it says */
export function spelt({ kind, word, parts }) {
  return [kind, word, ...parts.map(spelt)].filter(Boolean).join(" ");
}

/** @param {number} nth from 1, or from -1 for the last @returns {string} */
function ordinal(nth) {
  if (nth < 0) return nth === -1 ? "last" : `${ordinal(-nth)} from the end`;
  const tail = nth % 100 > 10 && nth % 100 < 14 ? "th" : (["th", "st", "nd", "rd"][nth % 10] ?? "th");
  return nth === 1 ? "first" : `${nth}${tail}`;
}

/** @param {string} word "3", "3rd", "first", "last", "2nd from the end" @returns {number} what `ordinal` tells so */
function numeral(word) {
  const nth = Math.max(1, parseInt(word, 10) || 1);
  return /last|from the end/.test(word) ? -nth : nth;
}
