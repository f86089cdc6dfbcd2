// State, undo and viewport: no browser needed
import assert from "node:assert/strict";
import { test } from "node:test";

import { colour, freeColour } from "../../anymask/serve/editor/palette.js";
import { initialState, Store } from "../../anymask/serve/editor/state.js";
import { History } from "../../anymask/serve/editor/undo.js";
import { fit, fitBox, pan, toImage, toScreen, visibleBox, zoomAt } from "../../anymask/serve/editor/viewport.js";

const thing = (id, label = "") => ({ id, label, colour: null, visible: true, locked: false, prompts: [], rank: 0, mask: null, edited: false, score: null, rle: { size: [1, 1], counts: "01" } });

test("a watcher hears of what it selected, once, and of nothing else", () => {
  const store = new Store(initialState());
  const heard = [];
  store.watch((state) => [state.tool, state.brushSize], ([tool, size]) => heard.push(`${tool} ${size}`));
  store.set({ tool: "box" });
  store.set({ tool: "box" });
  store.set({ opacity: 0.1 });
  store.set({ tool: "brush", brushSize: 3 });
  assert.deepEqual(heard, ["select 20", "box 20", "brush 3"]);
  assert.throws(() => { store.state.tool = "select"; }, TypeError);
});

test("undo to the start and redo to the end, step by step", () => {
  const history = new History();
  const states = [{ things: [], chosen: [] }];
  const step = (name, things, chosen = []) => states.push(history.record(name, states.at(-1), { things, chosen }));
  const [a, b, c] = [thing("a"), thing("b"), thing("c")];
  step("add a", [a], ["a"]);
  step("add b", [a, b], ["b"]);
  step("add c", [a, b, c], ["c"]);
  step("rename b", [a, { ...b, label: "dog" }, c], ["b"]);
  step("delete a and b", [c]);
  step("nothing", [c]); // no step at all
  states.pop();
  let now = states.at(-1);
  for (let at = states.length - 2; at >= 0; at--) {
    now = history.undo(now.things);
    assert.deepEqual([now.things, now.chosen], [states[at].things, states[at].chosen]);
  }
  assert.equal(history.undo(now.things), null);
  for (let at = 1; at < states.length; at++) {
    now = history.redo(now.things);
    assert.deepEqual(now.things, states[at].things);
  }
  assert.equal(history.redo(now.things), null);
});

test("undo leaves alone what somebody else changed", () => {
  const history = new History();
  const other = thing("other");
  const mine = history.record("add", { things: [other], chosen: [] }, { things: [other, thing("mine")], chosen: [] });
  const theirs = mine.things.map((each) => (each.id === "other" ? { ...each, label: "theirs" } : each));
  assert.deepEqual(history.undo(theirs).things.map((each) => each.label), ["theirs"]);
});

test("a better mask of the same step is no step of its own", () => {
  const history = new History();
  const old = thing("a");
  let work = history.record("add", { things: [], chosen: [] }, { things: [old], chosen: ["a"] });
  const better = { ...old, score: 0.9 };
  history.amend(old, better);
  work = history.record("label", { things: [better], chosen: [] }, { things: [{ ...better, label: "cup" }], chosen: [] });
  assert.equal(history.undo(work.things).things[0].score, 0.9);
  assert.deepEqual(history.undo([better]).things, []);
  assert.equal(history.redo([]).things[0].score, 0.9);
});

test("screen to image and back, whatever the view", () => {
  const image = { width: 4000, height: 3000 };
  const canvas = { width: 900, height: 600 };
  let view = fit(image, canvas);
  assert.deepEqual(toScreen(view, { x: 2000, y: 1500 }), { x: 450, y: 300 });
  const at = { x: 333, y: 222 };
  const before = toImage(view, at);
  view = zoomAt(view, 7.3, at, image, canvas);
  const after = toImage(view, at);
  assert.ok(Math.abs(before.x - after.x) < 1e-6 && Math.abs(before.y - after.y) < 1e-6); // what is pointed at stays
  const back = toScreen(view, toImage(view, { x: 12, y: 34 }));
  assert.ok(Math.abs(back.x - 12) < 1e-6 && Math.abs(back.y - 34) < 1e-6);
  for (let step = 0; step < 50; step++) view = pan(view, 1000, 1000, image, canvas);
  assert.ok(view.x < canvas.width && view.y < canvas.height); // it cannot be lost
  const seen = visibleBox(fitBox([100, 200, 300, 400], image, canvas), image, canvas);
  assert.ok(seen && seen[0] < 100 && seen[1] < 200 && seen[2] > 300 && seen[3] > 400);
});

test("colours are those of the package, and none is given twice", () => {
  // anymask.outputs.palette.colours(4), rounded
  assert.deepEqual([0, 1, 2, 3].map(colour), ["#ff7b6a", "#1d88e8", "#cdd93f", "#ec7dd3"]);
  assert.equal(freeColour([colour(0), colour(1), null]), colour(2));
  assert.equal(freeColour([colour(1)]), colour(0));
});
