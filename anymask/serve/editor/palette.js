/** Colours to tell many masks apart by: those of anymask/outputs/palette.py, so that files and screen agree. */

const GOLDEN = (Math.sqrt(5) - 1) / 2;
const FIRST_HUE = 0.08;
const LIGHTNESS = [0.74, 0.62, 0.85];
const CHROMA = 0.17;

/** @param {number} number from 0 up @returns {[number, number, number]} 0..255; a point of OKLCH, clipped to sRGB */
export function colourNumbers(number) {
  const turn = 2 * Math.PI * (FIRST_HUE + GOLDEN * number);
  const lightness = LIGHTNESS[number % LIGHTNESS.length];
  const a = CHROMA * Math.cos(turn);
  const b = CHROMA * Math.sin(turn);
  // Oklab -> cone responses -> linear sRGB (Ottosson 2020)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    encoded(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** @param {number} number @returns {string} "#rrggbb" */
export function colour(number) {
  return `#${colourNumbers(number).map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * The first colour of the palette that no thing has.
 * @param {(string|null)[]} taken
 */
export function freeColour(taken) {
  let number = 0;
  while (taken.includes(colour(number))) number++;
  return colour(number);
}

/** @param {number} linear */
function encoded(linear) {
  const clipped = Math.min(Math.max(linear, 0), 1);
  return Math.round(255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055));
}
