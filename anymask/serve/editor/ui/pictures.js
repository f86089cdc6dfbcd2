/** The list of pictures. */

import { make } from "./dom.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../types.js").ImageInfo} ImageInfo */

const SMALL = 96; // pixels of a picture in the list: twice what it is shown at, for fine screens

const STATES = { waiting: "waiting", working: "being read", ready: "", failed: "cannot be used" };

/** @param {App} app @returns {Node[]} of the dialog */
export function picturesDialog(app) {
  const { images, image } = app.store.state;
  return [
    make("ul", {}, ...images.map((each) => make("li", {}, pictureRow(app, each)))),
    make(
      "div",
      { className: "row" },
      make("button", { type: "button", className: "button primary", onclick: () => app.chooseFiles() }, "Open pictures"),
      image?.id ? make("button", { type: "button", className: "button danger", onclick: () => remove(app, image) }, `Delete ${image.name} and its objects`) : "",
    ),
  ];
}

/** @param {App} app @param {ImageInfo} image @returns {HTMLElement} */
export function pictureRow(app, image) {
  const open = () => {
    app.store.set({ dialog: null });
    app.session.openImage(image);
  };
  return make(
    "button",
    { type: "button", className: "picture-row", onclick: open, "aria-current": image.id === app.store.state.image?.id },
    image.state === "failed" ? make("span", { className: "small" }) : make("img", { className: "small", src: `/v1/images/${image.id}/thumbnail?size=${SMALL}`, loading: "lazy", alt: "" }),
    make("span", { className: "name" }, image.name),
    make("span", { className: "about" }, [`${image.width} × ${image.height}`, STATES[image.state]].filter(Boolean).join(" · ")),
  );
}

/** @param {App} app @param {ImageInfo} image */
async function remove(app, image) {
  if (!confirm(`Delete ${image.name} and its objects? This cannot be undone.`)) return;
  app.store.set({ dialog: null });
  try {
    await app.session.remove();
  } catch (error) {
    app.work.tell(error instanceof Error ? error.message : String(error), "error");
  }
}
