// What is saved, the query's chips, and the keys: no browser needed
import assert from "node:assert/strict";
import { test } from "node:test";

import { COMMANDS } from "../../anymask/serve/editor/commands.js";
import { Keymap, nameOf } from "../../anymask/serve/editor/keys.js";
import { Ledger } from "../../anymask/serve/editor/ledger.js";
import { chipsOf, spelt, withoutChip, withWord } from "../../anymask/serve/editor/query.js";

const thing = (id, label = "") => ({ id, label, colour: null, visible: true, locked: false, prompts: [], rank: 0, mask: null, edited: false, score: null, rle: { size: [1, 1], counts: "01" }, prompt: 0, refine: null, zoom: null, looks: null });
const unsent = (ledger) => ledger.unsent().map(({ id, thing: wanted, revision }) => [id, wanted?.label ?? null, revision]);

test("what differs from what the server holds is sent, with the revision it was made from", () => {
  const ledger = new Ledger();
  const [a, b] = ledger.merge([{ ...thing("a"), revision: 3 }, { ...thing("b"), revision: 1 }]);
  assert.deepEqual(unsent(ledger), []);
  const named = { ...a, label: "cup" };
  const made = thing("c", "new");
  ledger.wanted = [named, made];
  assert.deepEqual(unsent(ledger), [["a", "cup", 3], ["c", "new", 0], ["b", null, 1]]);
  ledger.confirm("a", named, 4);
  ledger.confirm("b", null, 2);
  ledger.wanted = [named, made, b]; // undone: a deleted thing comes back at the revision of its deletion
  assert.deepEqual(unsent(ledger), [["c", "new", 0], ["b", "", 2]]);
});

test("what others did is taken over, unless it was changed here too", () => {
  const ledger = new Ledger();
  const [a] = ledger.merge([{ ...thing("a"), revision: 1 }, { ...thing("b"), revision: 1 }]);
  ledger.wanted = [{ ...a, label: "mine" }, ledger.wanted[1]];
  const wanted = ledger.merge([{ ...thing("a", "theirs"), revision: 2 }, { ...thing("c", "new"), revision: 1 }]);
  assert.deepEqual(wanted.map((each) => [each.id, each.label]), [["a", "mine"], ["c", "new"]]); // b was deleted by them
  assert.deepEqual(unsent(ledger), [["a", "mine", 1]]); // which the server will call a conflict
  assert.equal(ledger.merge([{ ...thing("a", "old"), revision: 1 }, { ...thing("c"), revision: 1 }]), wanted); // an answer that is late
});

test("what was not sent outlives the page", () => {
  const before = new Ledger();
  const [a] = before.merge([{ ...thing("a"), revision: 2 }, { ...thing("b"), revision: 5 }]);
  before.wanted = [{ ...a, label: "kept" }, thing("c", "new")];
  const after = new Ledger();
  after.merge([{ ...thing("a"), revision: 2 }, { ...thing("b"), revision: 5 }]);
  after.restore(before.toJson());
  assert.deepEqual(unsent(after), [["a", "kept", 2], ["c", "new", 0], ["b", null, 5]]);
});

test("a mask belongs to the looks it was answered after", () => {
  const ledger = new Ledger();
  const made = thing("a");
  assert.equal(ledger.bodyOf(made).looks, null);
  ledger.confirm("a", made, 1, 2);
  assert.deepEqual([ledger.bodyOf({ ...made, label: "x" }).looks, ledger.bodyOf({ ...made, label: "x" }).revision], [2, 1]);
  assert.equal(ledger.bodyOf({ ...made, prompts: [{ type: "box", box: [0, 0, 1, 1] }] }).looks, null); // answered anew
});

const QUERY = {
  find: ["dog", "cat"],
  colour: ["red"],
  position: ["left"],
  relations: [
    { relation: "on", to: { colour: ["blue"], find: ["sofa"], relations: [{ relation: "next to", to: { find: ["cup"] } }] } },
    { relation: "between", to: { find: ["car"] }, and: { find: ["tree"] } },
    { relation: "left of", to: {} },
  ],
  not: [{ colour: ["black"] }],
  pick: { by: "left", nth: 2 },
  count: 3,
  or: [{ find: ["horse"], size: ["big"] }],
  unused: ["striped"],
};
const told = (query) => chipsOf(query).map(spelt);
/** @param {string} word of a chip, or of a part of one */
const chip = (word, chips = chipsOf(QUERY)) => chips.flatMap((each) => [each, ...each.parts]).find((each) => each.word === word);

test("a query is told in chips, and what is said of other things in their parts", () => {
  assert.deepEqual(told(QUERY), ["red", "dog", "cat", "at left", "order 2nd by left", "at most 3", "on blue sofa next to cup", "between car and tree", "left of anything", "without black", "or big horse", "not used striped"]);
});

test("each word can be another one, and what says nothing any more goes", () => {
  for (const [word, next, field, expected] of [
    ["dog", "horse", "find", ["horse", "cat"]],
    ["dog", "", "find", ["cat"]],
    ["red", "", "colour", undefined],
    ["3", "5", "count", 5],
    ["3", "many", "count", 1],
    ["2nd", "last", "pick", { by: "left", nth: -1 }],
    ["2nd", "4th", "pick", { by: "left", nth: 4 }],
    ["2nd", "", "pick", { by: "left" }],
    ["sofa", "bed", "relations", [{ ...QUERY.relations[0], to: { ...QUERY.relations[0].to, find: ["bed"] } }, ...QUERY.relations.slice(1)]],
    ["on", "above", "relations", [{ ...QUERY.relations[0], relation: "above" }, ...QUERY.relations.slice(1)]],
    ["on", "", "relations", QUERY.relations.slice(1)],
    ["tree", "", "relations", [QUERY.relations[0], QUERY.relations[2]]], // between one thing and nothing
    ["black", "", "not", undefined],
    ["black", "white", "not", [{ colour: ["white"] }]],
    ["horse", "", "or", [{ size: ["big"] }]],
  ]) {
    const changed = withWord(QUERY, chip(word), next);
    assert.deepEqual(changed[field], expected, `${word} -> ${next}`);
    assert.deepEqual({ ...changed, [field]: QUERY[field] }, QUERY); // and nothing else
  }
});

test("without its chips one after another a query says less, and at last nothing", () => {
  let query = QUERY;
  for (let left = chipsOf(QUERY).length; left; left -= 1) {
    const before = told(query);
    query = withoutChip(query, chipsOf(query)[left >> 1]);
    assert.deepEqual(told(query), before.toSpliced(left >> 1, 1));
  }
  assert.deepEqual(query, {});
});

test("keys: names, conflicts, keys of one's own, and back", () => {
  const event = (key, more = {}) => ({ key, ctrlKey: false, altKey: false, shiftKey: false, metaKey: false, ...more });
  assert.deepEqual(
    [event("z", { ctrlKey: true }), event("Z", { metaKey: true, shiftKey: true }), event("?", { shiftKey: true }), event("Shift", { shiftKey: true }), event("Enter", { altKey: true })].map(nameOf),
    ["Ctrl+Z", "Ctrl+Shift+Z", "?", "", "Alt+Enter"],
  );
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  const keymap = new Keymap(COMMANDS, storage);
  const brush = COMMANDS.find((command) => command.id === "tool.brush");
  assert.match(keymap.assign(brush, "E"), /“Eraser” already/);
  assert.match(keymap.assign(brush, "Tab"), /next mask/);
  assert.equal(keymap.assign(brush, "Y"), null);
  assert.equal(new Keymap(COMMANDS, storage).find("Y")?.id, "tool.brush"); // remembered
  assert.equal(keymap.find("B"), null);
  keymap.reset();
  assert.equal(keymap.find("B")?.id, "tool.brush");
  // No key is given twice to begin with
  const all = COMMANDS.flatMap((command) => command.keys);
  assert.deepEqual(all.filter((key, at) => all.indexOf(key) !== at), []);
  kept.set("anymask.keys", "{broken");
  assert.equal(new Keymap(COMMANDS, storage).find("B")?.id, "tool.brush");
});
