/** What words found: the query as chips that can be edited, how many, or that it is not here and what came nearest. */

import { chipsOf, withoutChip, withWord } from "../query.js";
import { byId, icon, make } from "./dom.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../query.js").Chip} Chip */

const NEARLY = 3; // buttons of masks that nearly fit

/** @param {App} app */
export function found(app) {
  app.store.watch((state) => [state.described.answer, state.described.matches, state.described.below, state.described.text, state.described.busy, Boolean(state.index)], () => show(app));
}

/** @param {App} app */
function show(app) {
  const { described, index, progress } = app.store.state;
  const { answer, matches, text, busy } = described;
  const place = byId("found");
  place.hidden = !text.trim();
  place.dataset.answered = busy ? "" : text;
  if (place.hidden) {
    place.replaceChildren();
    byId("describe-status").textContent = "";
    return;
  }
  if (!answer || !index) {
    place.replaceChildren(make("p", { className: "hint" }, !index && progress?.stage !== "failed" ? "Answered as soon as the masks are found." : busy || !described.said ? "Reading…" : sentence(described.said)));
    return;
  }
  if (place.contains(document.activeElement) && busy) return; // a chip is being edited
  const query = described.edited ?? answer.query;
  const near = (matches.length ? answer.below.slice(0, NEARLY) : answer.nearest).filter(({ id }) => index.masks[id]);
  const notes = answer.notes.filter((note) => !note.startsWith("not used:")); // chips say so
  const told = matches.length ? `${matches.length} found` : "Not here";
  place.replaceChildren(
    make("div", { className: "row" }, ...chipsOf(query).map((chip) => chipOf(app, query, chip)), ...summary(app, told)),
    matches.length || /is not a known word/.test(answer.reason) ? "" : make("p", { className: "reason" }, sentence(answer.reason)),
    ...(near.length ? [nearest(app, near, matches.length ? "Nearly:" : "Nearest:")] : []),
    ...Object.entries(answer.unknown).filter(([, known]) => known.length).map(([word, known]) => instead(app, word, known)),
    ...(notes.length ? [make("p", { className: "notes" }, notes.map(sentence).join(" "))] : []),
  );
  byId("describe-status").textContent = matches.length ? `${told}. Enter selects them.` : `Not here: ${answer.reason}`;
}

/** @param {App} app @param {string} told */
function summary(app, told) {
  const { matches } = app.store.state.described;
  const count = make("span", { className: "count" }, told);
  if (!matches.length) return [count];
  return [count, make("button", { className: "button", type: "button", onclick: () => app.describing.take() }, matches.length > 1 ? `Select all ${matches.length}` : "Select it", make("kbd", {}, "Enter"))];
}

/** @param {App} app @param {import("../types.js").Query} query @param {Chip} chip */
function chipOf(app, query, chip) {
  const word = make("button", { type: "button", "aria-label": `Change ${chip.word}`, onclick: () => edit(app, query, chip, word) }, make("span", { className: "word" }, chip.word));
  const close = make("button", { type: "button", "aria-label": `Remove ${chip.word}`, onclick: () => app.describing.edit(withoutChip(query, chip)) }, icon("close"));
  return make("span", { className: `chip ${chip.kind === "without" ? "no" : chip.kind === "not used" ? "unused" : ""}` }, chip.kind ? make("span", { className: "kind" }, chip.kind) : "", chip.editable ? word : make("span", { className: "word-only" }, chip.word), close);
}

/** Type another word in the chip's place. @param {App} app @param {import("../types.js").Query} query @param {Chip} chip @param {HTMLElement} word */
function edit(app, query, chip, word) {
  const field = make("input", { type: "text", value: chip.word, "aria-label": `Instead of ${chip.word}` });
  let done = false;
  const finish = (/** @type {boolean} */ take) => {
    if (done) return;
    done = true;
    const next = field.value.trim().toLowerCase();
    field.blur();
    if (take && next && next !== chip.word) app.describing.edit(withWord(query, chip, next));
    else show(app);
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Escape") {
      event.stopPropagation();
      finish(event.key === "Enter");
    }
  });
  field.addEventListener("blur", () => finish(true));
  word.replaceWith(field);
  field.select();
}

/** @param {App} app @param {import("../types.js").Near[]} near @param {string} told */
function nearest(app, near, told) {
  const light = (/** @type {number} */ lit) => () => app.store.set({ described: { ...app.store.state.described, lit } });
  return make(
    "div",
    { className: "row" },
    make("span", { className: "hint" }, told),
    ...near.map(({ id, score, name }) =>
      make("button", { className: "near", type: "button", onpointerenter: light(id), onpointerleave: light(-1), onfocus: light(id), onblur: light(-1), onclick: () => take(app, id) }, `${name || `mask ${id + 1}`} ${Math.round(score * 100)} %`),
    ),
  );
}

/** @param {App} app @param {number} id */
function take(app, id) {
  app.describing.takeOne(id);
  app.describing.clear();
}

/** @param {App} app @param {string} word @param {string[]} known */
function instead(app, word, known) {
  return make(
    "div",
    { className: "row" },
    make("span", { className: "hint" }, `“${word}” is not known. Perhaps:`),
    ...known.map((noun) => make("button", { className: "near", type: "button", onclick: () => app.describing.type(app.store.state.described.text.replace(word, noun)) }, noun)),
  );
}

/** @param {string} text @returns {string} with a capital and a full stop */
function sentence(text) {
  return text ? `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}` : "";
}
