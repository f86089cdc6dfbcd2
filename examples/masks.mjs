// The masks of a photo in JavaScript, from a file that `anymask export default --to anymask.onnx` wrote; see
// docs/export.md. Tried with Node 20, onnxruntime-node 1.30 and sharp 0.35:
//
//     npm install onnxruntime-node sharp
//     node masks.mjs anymask.onnx photo.jpg       writes masks.bin and scores.json
import { writeFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import sharp from "sharp"; // only to decode the photo

const [model, photo] = process.argv.slice(2);
const SIDE = 640, SCORE = 0.05, IOU = 0.7;
const CLASS_POWER = 1, MASKNESS_POWER = 4; // the default weights'; onnxruntime-node does not tell metadata
const range = (n) => Array.from({ length: n }, (_, i) => i);
const clamp = (value, limit) => Math.min(Math.max(value, 0), limit);

// For each of `to` pixels the [cell, weight] pairs of a triangle filter over the first `span` of `from` cells
const axis = (from, span, to) => range(to).map((i) => {
  const ratio = span / to, reach = Math.max(1, ratio), centre = (i + 0.5) * ratio;
  const pairs = range(Math.ceil(2 * reach) + 1)
    .map((j) => Math.floor(centre - reach) + j)
    .map((j) => [j, Math.max(0, 1 - Math.abs(j + 0.5 - centre) / reach)])
    .filter(([j]) => j >= 0 && j < from);
  const sum = pairs.reduce((total, [, weight]) => total + weight, 0);
  return pairs.map(([j, weight]) => [j, weight / sum]);
});
const resize = (plane, [rows, columns], [spanY, spanX], [H, W]) => {
  const across = axis(columns, spanX, W), down = axis(rows, spanY, H);
  const wide = new Float32Array(rows * W), out = new Float32Array(H * W);
  for (const y of range(rows))
    for (const x of range(W)) for (const [j, weight] of across[x]) wide[y * W + x] += weight * plane[y * columns + j];
  for (const y of range(H))
    for (const [i, weight] of down[y]) for (const x of range(W)) out[y * W + x] += weight * wide[i * W + x];
  return out;
};

// Letterbox: the longest side becomes 640; the picture lies top left, grey fills up to multiples of 32
const decoded = sharp(photo).rotate().removeAlpha().toColourspace("srgb").raw();
const { data, info: { width, height } } = await decoded.toBuffer({ resolveWithObject: true });
const scale = SIDE / Math.max(width, height);
const [w, h] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
const [W, H] = [w, h].map((side) => Math.ceil(side / 32) * 32);
const images = new Float32Array(3 * H * W).fill(114 / 255);
for (const c of range(3)) {
  const channel = range(width * height).map((i) => data[3 * i + c]);
  const plane = resize(channel, [height, width], [height, width], [h, w]).map((value) => Math.round(value) / 255);
  for (const y of range(h)) images.set(plane.subarray(y * w, (y + 1) * w), (c * H + y) * W);
}

// The network, and its candidates: boxes as corners, in network pixels
const session = await ort.InferenceSession.create(model);
const tensor = new ort.Tensor("float32", images, [1, 3, H, W]);
const { output0, output1 } = await session.run({ images: tensor }, ["output0", "output1"]);
const A = output0.dims[2], [, K, rows, columns] = output1.dims, at = (row, a) => output0.data[row * A + a];
const candidates = range(A).map((a) => {
  const [x, y, across, down] = [0, 1, 2, 3].map((row) => at(row, a));
  const [x1, x2] = [x - across / 2, x + across / 2].map((value) => clamp(value, w));
  const [y1, y2] = [y - down / 2, y + down / 2].map((value) => clamp(value, h));
  return { a, score: at(4, a) ** CLASS_POWER, x1, y1, x2, y2 };
});

// Non-maximum suppression: from the best score down, what overlaps a better box too much is left out
const area = ({ x1, y1, x2, y2 }) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
const shared = (p, q) => area({
  x1: Math.max(p.x1, q.x1), y1: Math.max(p.y1, q.y1), x2: Math.min(p.x2, q.x2), y2: Math.min(p.y2, q.y2),
});
const kept = [];
for (const box of candidates.filter(({ score }) => score >= SCORE).sort((p, q) => q.score - p.score))
  if (kept.every((other) => shared(other, box) <= IOU * (area(other) + area(box) - shared(other, box)))) kept.push(box);

// Masks: coefficients times prototypes above 0, interpolated to the photo's pixels without the padding, in the box
const found = [];
for (const { a, score, x1, y1, x2, y2 } of kept) {
  const logits = new Float32Array(rows * columns);
  for (const k of range(K))
    for (const i of range(logits.length)) logits[i] += at(5 + k, a) * output1.data[k * logits.length + i];
  const whole = resize(logits, [rows, columns], [h / 4, w / 4], [height, width]);
  const mask = Uint8Array.from(whole, (logit, i) => {
    const x = i % width, y = Math.floor(i / width);
    const inBox = x >= Math.floor(x1 / scale) && x < x2 / scale && y >= Math.floor(y1 / scale) && y < y2 / scale;
    return Number(logit > 0 && inBox);
  });
  const sure = Array.from(whole).filter((_, i) => mask[i]).map((logit) => 1 / (1 + Math.exp(-logit)));
  const maskness = sure.length ? sure.reduce((p, q) => p + q) / sure.length : 0.5; // how sure the network is of it
  const final = score * maskness ** MASKNESS_POWER;
  if (final >= SCORE) found.push({ score: final, mask });
}
writeFileSync("masks.bin", Buffer.concat(found.map(({ mask }) => mask))); // N x height x width bytes, 1 is inside
writeFileSync("scores.json", JSON.stringify(found.map(({ score }) => score)));
