/** The bar at the top: pictures, words, undo, export, light or dark. */

import { buttonById, byId, inputById } from "./dom.js";

const THEME = "anymask.theme";

/** @param {import("../app.js").App} app */
export function topbar(app) {
  const { store } = app;
  for (const [id, command] of Object.entries({ open: "open", "welcome-open": "open", undo: "undo", redo: "redo", export: "export", help: "help", pictures: "pictures", "picture-next": "picture.next", "picture-previous": "picture.previous" })) {
    byId(id).addEventListener("click", () => app.run(command));
  }
  byId("welcome-sample").addEventListener("click", () => app.session.openSample());
  const files = inputById("files");
  files.addEventListener("change", () => {
    const chosen = [...(files.files ?? [])];
    files.value = ""; // the same file may be opened again
    if (chosen.length) app.session.openFiles(chosen);
  });
  store.watch((state) => [state.image, state.images], (_, { image, images }) => {
    byId("pictures").textContent = image ? image.name : "No picture";
    byId("pictures").title = image ? `${image.name}, ${image.width} × ${image.height}` : "";
    const at = images.findIndex((each) => each.id === image?.id);
    buttonById("picture-previous").disabled = at <= 0;
    buttonById("picture-next").disabled = !images.length || at === images.length - 1;
    buttonById("pictures").disabled = !images.length;
    buttonById("export").disabled = !image?.id;
    document.title = image ? `${image.name} – anymask` : "anymask";
  });
  store.watch((state) => [state.things, state.image], () => {
    buttonById("undo").disabled = !app.work.history.done.length;
    buttonById("redo").disabled = !app.work.history.undone.length;
  });
  describe(app);
  theme();
}

/** @param {import("../app.js").App} app */
function describe(app) {
  const { store } = app;
  const field = inputById("describe");
  field.addEventListener("input", () => app.describing.type(field.value));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (app.describing.take()) app.stage.focus();
  });
  byId("describe-clear").addEventListener("click", () => {
    app.describing.clear();
    field.focus();
  });
  store.watch((state) => state.described.text, (text) => {
    if (field.value !== text) field.value = text;
    byId("describe-clear").hidden = !text;
    byId("describe-key").hidden = Boolean(text);
  });
  store.watch((state) => state.image, (image) => {
    field.disabled = !image;
  });
}

function theme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const chosen = localStorage.getItem(THEME);
    document.documentElement.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
  };
  system.addEventListener("change", show);
  byId("theme").addEventListener("click", () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    // What the system says is followed again where one chooses what it says anyway
    if ((next === "dark") === system.matches) localStorage.removeItem(THEME);
    else localStorage.setItem(THEME, next);
    show();
  });
  show();
}
