/** Starts the editor. Begin to read at app.js, which joins the parts. */

import { App } from "./app.js";
import { KeyboardInput } from "./keyboard.js";
import { PointerInput } from "./pointer.js";
import { dialogs } from "./ui/dialogs.js";
import { byId } from "./ui/dom.js";
import { drop } from "./ui/drop.js";
import { found } from "./ui/found.js";
import { objects } from "./ui/objects.js";
import { status } from "./ui/status.js";
import { toolbar } from "./ui/toolbar.js";
import { topbar } from "./ui/topbar.js";

const stage = byId("stage");
const app = new App(stage);
new PointerInput(app, stage);
new KeyboardInput(app, stage);
for (const part of [topbar, toolbar, found, objects, status, dialogs, drop]) part(app);
document.documentElement.dataset.ready = "true";

await app.session.list();
// A page that is loaded again goes on with the picture it showed
const before = app.store.state.images.find((image) => `#${image.id}` === location.hash);
if (before && !app.store.state.image) app.session.openImage(before);
