/** Where the picture lies on the screen. The only place that turns screen pixels into image pixels and back. */

/** @typedef {import("./types.js").Point} Point */
/** @typedef {{width: number, height: number}} Size */

/**
 * @typedef {object} View a picture's place on the canvas
 * @property {number} scale screen pixels for one image pixel
 * @property {number} x screen place of the picture's left edge
 * @property {number} y and of its top edge
 */

const MARGIN = 24; // screen pixels left free around a picture that fits
const MOST_SCALE = 40;
const KEPT = 60; // screen pixels of the picture that cannot be moved off the canvas

/** @param {View} view @param {Point} screen @returns {Point} */
export function toImage(view, screen) {
  return { x: (screen.x - view.x) / view.scale, y: (screen.y - view.y) / view.scale };
}

/** @param {View} view @param {Point} image @returns {Point} */
export function toScreen(view, image) {
  return { x: image.x * view.scale + view.x, y: image.y * view.scale + view.y };
}

/**
 * The whole picture in the middle; a small one is enlarged four times at most.
 * @param {Size} image @param {Size} canvas
 * @returns {View}
 */
export function fit(image, canvas) {
  const free = { width: Math.max(canvas.width - 2 * MARGIN, 1), height: Math.max(canvas.height - 2 * MARGIN, 1) };
  const fitting = Math.min(free.width / image.width, free.height / image.height);
  const scale = Math.min(fitting, 4);
  return { scale, x: (canvas.width - image.width * scale) / 2, y: (canvas.height - image.height * scale) / 2 };
}

/**
 * Larger or smaller by a factor, with the image pixel under a screen point staying where it is.
 * @param {View} view @param {number} factor @param {Point} screen @param {Size} image @param {Size} canvas
 * @returns {View}
 */
export function zoomAt(view, factor, screen, image, canvas) {
  const least = Math.min(fit(image, canvas).scale, 1) / 4;
  const scale = Math.min(Math.max(view.scale * factor, least), MOST_SCALE);
  const at = toImage(view, screen);
  return held({ scale, x: screen.x - at.x * scale, y: screen.y - at.y * scale }, image, canvas);
}

/** @param {View} view @param {number} dx @param {number} dy @param {Size} image @param {Size} canvas @returns {View} */
export function pan(view, dx, dy, image, canvas) {
  return held({ ...view, x: view.x + dx, y: view.y + dy }, image, canvas);
}

/**
 * A box as large as it fits.
 * @param {import("./types.js").Box} box @param {Size} image @param {Size} canvas
 * @returns {View}
 */
export function fitBox([x1, y1, x2, y2], image, canvas) {
  const free = { width: Math.max(canvas.width - 4 * MARGIN, 1), height: Math.max(canvas.height - 4 * MARGIN, 1) };
  const scale = Math.min(free.width / Math.max(x2 - x1, 1), free.height / Math.max(y2 - y1, 1), MOST_SCALE);
  return held({ scale, x: canvas.width / 2 - ((x1 + x2) / 2) * scale, y: canvas.height / 2 - ((y1 + y2) / 2) * scale }, image, canvas);
}

/**
 * What of the picture is on the canvas, in image pixels; null for none of it.
 * @param {View} view @param {Size} image @param {Size} canvas
 * @returns {import("./types.js").Box|null}
 */
export function visibleBox(view, image, canvas) {
  const from = toImage(view, { x: 0, y: 0 });
  const to = toImage(view, { x: canvas.width, y: canvas.height });
  const x1 = Math.max(from.x, 0);
  const y1 = Math.max(from.y, 0);
  const x2 = Math.min(to.x, image.width);
  const y2 = Math.min(to.y, image.height);
  return x1 < x2 && y1 < y2 ? [x1, y1, x2, y2] : null;
}

/** @param {Point} point @param {Size} image @returns {Point} the nearest point inside the picture */
export function inside(point, image) {
  return {
    x: Math.min(Math.max(point.x, 0), image.width - 0.01),
    y: Math.min(Math.max(point.y, 0), image.height - 0.01),
  };
}

/** @param {Point} point @param {Size} image */
export function isInside(point, image) {
  return point.x >= 0 && point.y >= 0 && point.x < image.width && point.y < image.height;
}

/** @param {View} view @param {Size} image @param {Size} canvas @returns {View} */
function held(view, image, canvas) {
  const most = { x: canvas.width - KEPT, y: canvas.height - KEPT };
  return {
    scale: view.scale,
    x: Math.min(Math.max(view.x, KEPT - image.width * view.scale), most.x),
    y: Math.min(Math.max(view.y, KEPT - image.height * view.scale), most.y),
  };
}
