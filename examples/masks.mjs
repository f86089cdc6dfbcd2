// The masks of a photo in JavaScript, from a file that `anymask export default --to anymask.onnx` wrote: what the program
// in docs/export.md does. npm install onnxruntime-node sharp; node masks.mjs anymask.onnx photo.jpg
import { writeFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import sharp from "sharp";
const [model, photo] = process.argv.slice(2), SIDE = 640, SCORE = 0.05, IOU = 0.7;
const MASKNESS_POWER = 4; // of the default weights; onnxruntime-node does not tell metadata
const range = (n) => [...Array(n).keys()], clamp = (value, most) => Math.min(Math.max(value, 0), most);
// Letterbox: the longest side becomes 640; the picture lies top left, grey fills up to multiples of 32
const upright = await sharp(photo).rotate().removeAlpha().toColourspace("srgb").png().toBuffer();
const { width, height } = await sharp(upright).metadata(), scale = SIDE / Math.max(width, height);
const [w, h] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
const [W, H] = [w, h].map((side) => Math.ceil(side / 32) * 32), images = new Float32Array(3 * H * W).fill(114 / 255);
const pixels = await sharp(upright).resize(w, h, { fit: "fill", kernel: "linear" }).raw().toBuffer();
pixels.forEach((value, i) => { images[((i % 3) * H + Math.floor(i / 3 / w)) * W + (Math.floor(i / 3) % w)] = value / 255; });
// The network, and its candidates: boxes as corners, in network pixels
const feeds = { images: new ort.Tensor("float32", images, [1, 3, H, W]) };
const { output0: p, output1: q } = await (await ort.InferenceSession.create(model)).run(feeds, ["output0", "output1"]);
const [, K, rows, columns] = q.dims, at = (row, a) => p.data[row * p.dims[2] + a];
const corners = (a) => [[0, -1, w], [1, -1, h], [0, 1, w], [1, 1, h]].map(([i, s, most]) => clamp(at(i, a) + s * at(i + 2, a) / 2, most));
const area = ([x1, y1, x2, y2]) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
const shared = (b, c) => area([...[0, 1].map((i) => Math.max(b[i], c[i])), ...[2, 3].map((i) => Math.min(b[i], c[i]))]);
// Non-maximum suppression: from the best score down, what overlaps a better box too much is left out
const best = range(p.dims[2]).filter((a) => at(4, a) >= SCORE).sort((a, b) => at(4, b) - at(4, a)), kept = [], found = [];
for (const [a, box] of best.map((a) => [a, corners(a)]))
  if (kept.every(([, c]) => shared(box, c) <= IOU * (area(box) + area(c) - shared(box, c)))) kept.push([a, box]);
// Masks: coefficients times prototypes above 0, between four cells of the prototypes for each pixel in the box
for (const [a, box] of kept) {
  const cells = range(rows * columns).map((i) => range(K).reduce((sum, k) => sum + at(5 + k, a) * q.data[k * rows * columns + i], 0));
  const [x1, y1, x2, y2] = box.map((side) => side / scale), mask = new Uint8Array(height * width), sure = [];
  for (let y = Math.floor(y1); y < y2; y++) for (let x = Math.floor(x1); x < x2; x++) {
    const [u, v] = [[x, w], [y, h]].map(([i, most]) => clamp((i + 0.5) * scale / 4 - 0.5, most / 4 - 1)); // not into the padding
    const [i, j, s, t] = [Math.floor(u), Math.floor(v), u % 1, v % 1], next = s > 0 ? 1 : 0, below = t > 0 ? columns : 0;
    const top = cells[j * columns + i] * (1 - s) + cells[j * columns + i + next] * s;
    const logit = top * (1 - t) + (cells[j * columns + below + i] * (1 - s) + cells[j * columns + below + i + next] * s) * t;
    if (logit > 0) { mask[y * width + x] = 1; sure.push(1 / (1 + Math.exp(-logit))); }
  }
  const score = at(4, a) * (sure.length ? sure.reduce((b, c) => b + c) / sure.length : 0.5) ** MASKNESS_POWER;
  if (score >= SCORE) found.push({ score, mask });
}
writeFileSync("masks.bin", Buffer.concat(found.map(({ mask }) => mask))); // N x height x width bytes, 1 is inside
writeFileSync("scores.json", JSON.stringify(found.map(({ score }) => score)));
