/** A query as chips, one for each thing it says, and the query without one or with another word in its place. */

/** @typedef {import("./types.js").Query} Query */

/**
 * @typedef {object} Chip
 * @property {string} kind what is said before the word, "" for a plain one
 * @property {string} word
 * @property {boolean} editable whether another word can be typed in its place
 * @property {keyof Query} field
 * @property {number} at its index in the field
 */

/** @type {["find"|"colour"|"size"|"position", string][]} */
const WORDS = [["colour", ""], ["size", ""], ["find", ""], ["position", "at"]];

/** @param {Query} query @returns {Chip[]} */
export function chipsOf(query) {
  /** @type {Chip[]} */
  const chips = [];
  /** @param {keyof Query} field @param {string} kind */
  const words = (field, kind) => /** @type {string[]} */ (query[field] ?? []).forEach((word, at) => chips.push({ kind, word, editable: field !== "unused", field, at }));
  for (const [field, kind] of WORDS) words(field, kind);
  if (query.pick) chips.push({ kind: "order", word: `${ordinal(query.pick.nth ?? 1)} by ${query.pick.by}`, editable: false, field: "pick", at: 0 });
  if (query.count) chips.push({ kind: "at most", word: String(query.count), editable: true, field: "count", at: 0 });
  query.relations?.forEach(({ relation, to, and }, at) => chips.push({ kind: relation, word: `${said(to)}${and ? ` and ${said(and)}` : ""}`, editable: simple(to) && !and, field: "relations", at }));
  query.not?.forEach((each, at) => chips.push({ kind: "without", word: said(each), editable: simple(each), field: "not", at }));
  query.or?.forEach((each, at) => chips.push({ kind: "or", word: said(each), editable: simple(each), field: "or", at }));
  words("unused", "not used");
  return chips;
}

/** @param {Query} query @param {Chip} chip @returns {Query} */
export function withoutChip(query, { field, at }) {
  const { [field]: value, ...rest } = query;
  if (!Array.isArray(value) || value.length === 1) return rest;
  return { ...query, [field]: value.toSpliced(at, 1) };
}

/** @param {Query} query @param {Chip} chip @param {string} word @returns {Query} */
export function withWord(query, { field, at }, word) {
  if (field === "count") return { ...query, count: Math.max(1, Math.round(Number(word)) || 1) };
  const value = query[field];
  if (!Array.isArray(value)) return query;
  const old = value[at];
  /** @type {unknown} */
  let next = word;
  if (field === "relations") next = { .../** @type {object} */ (old), to: { find: [word] } };
  else if (field === "not" || field === "or") next = { find: [word] };
  return { ...query, [field]: value.toSpliced(at, 1, /** @type {never} */ (next)) };
}

/** @param {Query} query @returns {string} in a few words */
export function said(query) {
  const { colour = [], size = [], find = [], position = [], relations = [], not = [], pick } = query;
  const parts = [pick ? `${ordinal(pick.nth ?? 1)} by ${pick.by}` : "", ...size, ...colour, find.join(" or ") || (relations.length || colour.length || size.length || position.length ? "" : "anything"), position.length ? `at ${position.join(" ")}` : ""];
  for (const { relation, to } of relations) parts.push(relation, said(to));
  for (const each of not) parts.push("without", said(each));
  return parts.filter(Boolean).join(" ");
}

/** @param {Query} query @returns {boolean} whether it says a noun and nothing else */
function simple(query) {
  return Object.keys(query).length === 1 && query.find?.length === 1;
}

/** @param {number} nth from 1, or from -1 for the last @returns {string} */
function ordinal(nth) {
  if (nth < 0) return nth === -1 ? "last" : `${ordinal(-nth)} from the end`;
  const tail = nth % 100 > 10 && nth % 100 < 14 ? "th" : (["th", "st", "nd", "rd"][nth % 10] ?? "th");
  return nth === 1 ? "first" : `${nth}${tail}`;
}
