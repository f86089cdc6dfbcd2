/** What is going on: the line at the bottom, the progress of a picture, notices, and the empty editor. */

import { areaOf } from "../masks/shapes.js";
import { byId, make } from "./dom.js";
import { pictureRow } from "./pictures.js";

/** @typedef {import("../app.js").App} App */

const SHOWN = 3500; // ms of a notice; errors twice as long

/** @param {App} app */
export function status(app) {
  const { store } = app;
  store.watch((state) => state.pointer, (pointer, { image }) => {
    const isIn = pointer && image && pointer.x >= 0 && pointer.y >= 0 && pointer.x < image.width && pointer.y < image.height;
    byId("place").textContent = isIn ? `${Math.floor(pointer.x)}, ${Math.floor(pointer.y)}` : "";
  });
  store.watch((state) => [state.hover, state.index], () => {
    byId("walked").textContent = outlined(store.state);
  });
  store.watch((state) => state.view.scale, (scale) => {
    byId("zoom-fit").textContent = `${Math.round(scale * 100)} %`;
  });
  for (const [id, command] of [["zoom-in", "bigger"], ["zoom-out", "smaller"], ["zoom-fit", "fit"]]) byId(id).addEventListener("click", () => app.run(command));
  store.watch((state) => [state.connection, state.unsaved, state.image?.id, state.progress?.stage], () => saved(app));
  progress(app);
  notices(app);
  welcome(app);
}

/** @param {import("../state.js").State} state */
function outlined({ hover, index }) {
  if (!index) return "";
  const count = index.shown.filter(Boolean).length;
  if (!hover) return `${count} masks`;
  const mask = index.masks[hover.mask];
  const above = index.chain(hover.mask).length - 1;
  const parts = index.children(hover.mask).length;
  return [`${areaOf(mask.rle).toLocaleString("en")} px`, `sure ${Math.round(mask.score * 100)} %`, above ? `in ${above} larger` : "", parts ? `${parts} ${parts === 1 ? "part" : "parts"}` : ""].filter(Boolean).join(" · ");
}

/** @param {App} app */
function saved(app) {
  const { connection, unsaved, image, progress } = app.store.state;
  const place = byId("saved");
  place.hidden = (!image?.id || progress?.stage === "failed") && connection === "online";
  place.dataset.state = connection === "offline" ? "offline" : unsaved ? "saving" : "saved";
  if (connection === "offline") place.textContent = unsaved ? `The server is gone. ${unsaved} ${unsaved === 1 ? "change waits" : "changes wait"} here and will be sent.` : "The server is gone. You can go on; changes are sent when it is back.";
  else place.textContent = unsaved ? "Saving…" : "Saved";
}

/** @param {App} app */
function progress(app) {
  const place = byId("progress");
  const time = make("span", { className: "time" });
  const title = make("strong", {});
  const bar = make("span", {});
  const bars = make("div", { className: "bar unknown" }, bar);
  const hint = make("p", { className: "hint" });
  const again = make("button", { type: "button", className: "button", onclick: () => app.chooseFiles() }, "Open another picture");
  place.append(make("div", {}, time, title), bars, hint, again);
  let begun = 0;
  let timer = 0;
  app.store.watch((state) => [state.progress, state.waitingClicks.length, state.connection], (_, { progress: now, waitingClicks, connection, image }) => {
    place.hidden = !now || now.stage === "ready";
    if (place.hidden || !now) {
      begun = 0;
      clearInterval(timer);
      return;
    }
    if (!begun) {
      begun = performance.now();
      clearInterval(timer);
      timer = setInterval(() => (time.textContent = `${((performance.now() - begun) / 1000).toFixed(1)} s`), 100);
    }
    const failed = now.stage === "failed";
    place.classList.toggle("failed", failed);
    if (failed) clearInterval(timer);
    time.hidden = bars.hidden = failed;
    again.hidden = !failed;
    bars.classList.toggle("unknown", !now.total);
    bar.style.width = now.total ? `${(100 * now.done) / now.total}%` : "";
    title.textContent = failed ? `${image?.name ?? "The picture"} cannot be used` : connection === "offline" ? "Waiting for the server" : told(now);
    hint.textContent = failed ? (now.error ?? "") : connection === "offline" ? "It does not answer. The picture is sent as soon as it does." : waitingClicks.length ? "Your click is answered as soon as this is done." : "You can click already: it is answered as soon as this is done.";
  });
}

/** @param {import("../state.js").Progress} progress */
function told({ stage, ahead, done, total }) {
  if (stage === "sending") return "Sending the picture";
  if (stage === "waiting") return ahead ? `Waiting for ${ahead} ${ahead === 1 ? "picture" : "pictures"} before this one` : "Waiting for its turn";
  return total ? `Drawing masks: ${done} of ${total}` : "Finding everything in it";
}

/** @param {App} app */
function notices(app) {
  let timer = 0;
  app.store.watch((state) => state.notice, (notice) => {
    clearTimeout(timer);
    byId("notice").replaceChildren(...(notice ? [make("p", { className: notice.kind }, notice.text)] : []));
    if (notice) timer = setTimeout(() => app.store.set({ notice: null }), notice.kind === "error" ? 2 * SHOWN : SHOWN);
  });
}

/** @param {App} app */
function welcome(app) {
  app.store.watch((state) => [state.image, state.images], (_, { image, images }) => {
    byId("welcome").hidden = Boolean(image);
    byId("recent").hidden = !images.length;
    byId("recent-list").replaceChildren(...images.slice(0, 20).map((each) => make("li", {}, pictureRow(app, each))));
  });
}
