// The masks of a photo in JavaScript, from a file that `anymask export default --to anymask.onnx` wrote, or
// `anymask export fastsam-s --to fastsam-s.onnx`.
// npm install onnxruntime-node sharp; node masks.mjs anymask.onnx photo.jpg; node masks.mjs fastsam-s.onnx photo.jpg 1024
import { writeFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import sharp from "sharp";

const [model, photo, side] = process.argv.slice(2);
const FASTSAM = side !== undefined; // made of FastSAM's weights, for so many pixels; onnxruntime-node tells no metadata
const SIDE = FASTSAM ? Number(side) : 640, SCORE = FASTSAM ? 0.25 : 0.05, IOU = 0.7;
const MASKNESS_POWER = FASTSAM ? 0 : 4; // of the default weights
const first = FASTSAM ? Math.ceil : Math.floor; // a box has the pixels whose corner is inside, or any part of them

// What the network's outputs p and q say of a photo of width x height pixels: its masks, one byte a pixel, 1 is inside.
// w, h: the network pixels that the photo fills.
function masksOf(p, q, w, h, width, height) {
  const [, K, rows, columns] = q.dims, cells = rows * columns, kept = [], found = [];
  const at = (row, a) => p.data[row * p.dims[2] + a]; // a is a candidate
  const clamp = (value, most) => Math.max(0, Math.min(value, most));
  const area = ([x1, y1, x2, y2]) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
  const shared = (b, c) => area([0, 1, 2, 3].map((i) => (i < 2 ? Math.max : Math.min)(b[i], c[i])));
  const iou = (b, c) => shared(b, c) / (area(b) + area(c) - shared(b, c));
  const scale = Math.max(w, h) / Math.max(width, height);
  const best = [...Array(p.dims[2]).keys()].filter((a) => at(4, a) >= SCORE).sort((a, b) => at(4, b) - at(4, a));
  for (const a of best) {
    const [x, y, dx, dy] = [at(0, a), at(1, a), at(2, a) / 2, at(3, a) / 2];
    const whole = [x - dx, y - dy, x + dx, y + dy], box = whole.map((side, i) => clamp(side, [w, h][i % 2]));
    const compared = FASTSAM ? whole : box;
    if (kept.some((better) => iou(compared, better) > IOU)) continue;
    kept.push(compared);
    const logits = new Float32Array(cells), mask = new Uint8Array(width * height), sure = []; // a cell is 4 x 4 pixels
    for (let k = 0; k < K; k++) for (let i = 0; i < cells; i++) logits[i] += at(5 + k, a) * q.data[k * cells + i];
    const [left, top, right, bottom] = box.map((side) => side / scale); // in the photo's pixels
    for (let v = first(top); v < bottom; v++) for (let u = first(left); u < right; u++) {
      const i = clamp((u + 0.5) * scale / 4 - 0.5, w / 4 - 1), j = clamp((v + 0.5) * scale / 4 - 0.5, h / 4 - 1);
      const [before, after] = [Math.floor, Math.ceil].map((to) => logits.subarray(to(j) * columns)); // two rows of cells
      const across = (row) => row[Math.floor(i)] * (1 - i % 1) + row[Math.ceil(i)] * (i % 1);
      const logit = across(before) * (1 - j % 1) + across(after) * (j % 1);
      if (logit > 0) { mask[v * width + u] = 1; sure.push(1 / (1 + Math.exp(-logit))); }
    }
    const score = at(4, a) * (sure.length ? sure.reduce((b, c) => b + c) / sure.length : 0.5) ** MASKNESS_POWER;
    if (score >= SCORE) found.push({ score, mask });
  }
  return found.sort((a, b) => b.score - a.score);
}

// Letterbox: the longest side becomes SIDE; the picture lies top left, grey fills up to multiples of 32
const upright = await sharp(photo).rotate().removeAlpha().toColourspace("srgb").png().toBuffer();
const { width, height } = await sharp(upright).metadata();
const [w, h] = [width, height].map((side) => Math.max(1, Math.round(side * SIDE / Math.max(width, height))));
const [W, H] = [w, h].map((side) => Math.ceil(side / 32) * 32);
const pixels = await sharp(upright).resize(w, h, { fit: "fill", kernel: "linear" }).raw().toBuffer();
const images = new Float32Array(3 * H * W).fill(114 / 255);
pixels.forEach((value, i) => {
  images[((i % 3) * H + Math.floor(i / 3 / w)) * W + (Math.floor(i / 3) % w)] = value / 255;
});

const session = await ort.InferenceSession.create(model);
const feeds = { images: new ort.Tensor("float32", images, [1, 3, H, W]) };
const { output0, output1 } = await session.run(feeds, ["output0", "output1"]);
const found = masksOf(output0, output1, w, h, width, height);
writeFileSync("masks.bin", Buffer.concat(found.map(({ mask }) => mask))); // N x height x width bytes
writeFileSync("scores.json", JSON.stringify(found.map(({ score }) => score)));
