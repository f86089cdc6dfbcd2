/**
 * Compressed COCO run lengths, byte for byte as pycocotools writes them.
 *
 * In here a mask is its bounds: an ascending Int32Array of an even number of places `column * height + row` at which the
 * mask begins, ends, begins, ... when the picture is read column by column. The mask is never drawn to work with it.
 */

/** @typedef {Int32Array} Bounds */

const ZERO = 48; // the character of five bits that are 0
const MORE = 32; // added where more groups of a count follow

/**
 * The bounds of a mask.
 * @param {string} counts
 * @param {number} pixels height * width of the picture
 * @returns {Bounds}
 */
export function decode(counts, pixels) {
  const lengths = runLengths(counts);
  const bounds = new Int32Array(lengths.length + 1);
  let place = 0;
  let filled = 0;
  for (let index = 0; index < lengths.length; index++) {
    const length = lengths[index];
    if (length < 0) throw new RangeError(`a mask's run lengths must not be negative, got ${length}`);
    place += length;
    if (filled > 0 && bounds[filled - 1] === place) filled--; // an empty run joins its neighbours
    else bounds[filled++] = place;
  }
  if (place !== pixels) throw new RangeError(`a mask of ${pixels} pixels was expected, got one of ${place}`);
  // Either the last run was outside and its end is no bound, or it was inside and ends with the picture
  if (filled % 2 === 1) filled--;
  return bounds.slice(0, filled);
}

/**
 * Lengths of the runs outside, inside, outside, ... the mask. Groups of five bits, the lowest first; the highest bit of
 * the last one is the sign; from the fourth count on it is the difference to the last but one.
 * @param {string} counts
 * @returns {number[]}
 */
export function runLengths(counts) {
  /** @type {number[]} */
  const lengths = [];
  let at = 0;
  while (at < counts.length) {
    let value = 0;
    let shift = 0;
    let group = 0;
    do {
      if (at >= counts.length) throw new RangeError("a mask's run lengths are cut off");
      group = counts.charCodeAt(at++) - ZERO;
      if (group < 0 || group > 63) throw new RangeError("a mask's run lengths hold a character that is none of theirs");
      value |= (group & 31) << shift;
      shift += 5;
    } while (group & MORE);
    if (group & 16 && shift < 32) value |= -1 << shift;
    lengths.push(lengths.length > 2 ? value + lengths[lengths.length - 2] : value);
  }
  return lengths;
}

/**
 * The compressed run lengths of bounds.
 * @param {Bounds|number[]} bounds
 * @param {number} pixels height * width of the picture
 */
export function encode(bounds, pixels) {
  /** @type {number[]} */
  const lengths = [];
  let before = 0;
  for (const place of bounds) {
    lengths.push(place - before);
    before = place;
  }
  if (before < pixels || lengths.length === 0) lengths.push(pixels - before);
  /** @type {string[]} */
  const characters = [];
  for (let index = 0; index < lengths.length; index++) {
    let value = index > 2 ? lengths[index] - lengths[index - 2] : lengths[index];
    let more = true;
    while (more) {
      let group = value & 31;
      value >>= 5;
      more = group & 16 ? value !== -1 : value !== 0;
      if (more) group |= MORE;
      characters.push(String.fromCharCode(group + ZERO));
    }
  }
  return characters.join("");
}
