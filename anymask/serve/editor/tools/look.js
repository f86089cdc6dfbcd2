/** Drag a region to look at closer: it is searched at the picture's own pixels. */

import { box, boxTo } from "./box.js";

/** @type {import("./index.js").Tool} */
export const look = {
  ...box,
  title: "Look closer",
  hint: "Drag a region: it is searched again at the picture's own pixels, and small things in it can be selected.",
  cursor: "zoom-in",
  up(app, press) {
    const region = boxTo(app, press.at);
    box.cancel(app);
    if (region && region[2] - region[0] >= 8 && region[3] - region[1] >= 8) app.looking.look(region);
  },
};
