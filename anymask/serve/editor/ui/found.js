/** What words found: the query as chips that can be edited, how many, or that it is not here and what came nearest. */

import { chipsOf, spelt, withoutChip, withWord } from "../query.js";
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
  const close = make("button", { type: "button", "aria-label": `Remove ${spelt(chip)}`, onclick: () => app.describing.edit(withoutChip(query, chip)) }, icon("close"));
  return make("span", { className: `chip ${chip.kind === "without" ? "no" : chip.kind === "not used" ? "unused" : ""}` }, ...said(app, query, chip), close);
}

/** What a chip says, its words as buttons that change them. @param {App} app @param {import("../types.js").Query} query @param {Chip} chip @returns {Node[]} */
function said(app, query, chip) {
  const { kind, word, editable, parts } = chip;
  const told = kind ? [make("span", { className: "kind" }, kind)] : [];
  if (word && editable) {
    const button = make("button", { type: "button", "aria-label": `Change ${word}`, onclick: () => edit(app, query, chip, button) }, make("span", { className: "word" }, word));
    told.push(button);
  } else if (word) told.push(make("span", { className: "word-only" }, word));
  return [...told, ...parts.flatMap((part) => said(app, query, part))];
}

/** Another word in the chip's place, typed or chosen. @param {App} app @param {import("../types.js").Query} query @param {Chip} chip @param {HTMLElement} word */
function edit(app, query, chip, word) {
  const label = { "aria-label": `Instead of ${chip.word}` };
  const options = chip.choices.map((each) => make("option", { selected: each === chip.word }, each));
  const field = options.length ? make("select", label, ...options) : make("input", { type: "text", value: chip.word, ...label });
  let done = false;
  const finish = (/** @type {boolean} */ take) => {
    if (done) return;
    done = true;
    const next = field.value.trim().toLowerCase();
    field.blur();
    if (take && next !== chip.word) app.describing.edit(withWord(query, chip, next));
    else show(app);
  };
  field.addEventListener("keydown", (event) => {
    const { key } = /** @type {KeyboardEvent} */ (event);
    if (key === "Enter" || key === "Escape") {
      event.stopPropagation();
      finish(key === "Enter");
    }
  });
  if (field instanceof HTMLSelectElement) field.addEventListener("change", () => finish(true));
  field.addEventListener("blur", () => finish(true));
  word.replaceWith(field);
  field.focus();
  if (field instanceof HTMLInputElement) field.select();
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
