/**
 * The shapes of the data, as JSDoc types; there is no code here. Coordinates are source pixels, (x, y) from the top left.
 *
 * @typedef {{x: number, y: number}} Point
 * @typedef {[number, number, number, number]} Box x1, y1, x2, y2
 * @typedef {{size: [number, number], counts: string}} Rle (height, width) and compressed COCO run lengths
 *
 * @typedef {{type: "point", points: [number, number][], labels: number[]}} PointPrompt
 * @typedef {{type: "box", box: Box}} BoxPrompt
 * @typedef {{type: "text", text: string, query?: Query|null}} TextPrompt
 * @typedef {PointPrompt|BoxPrompt|TextPrompt} Prompt
 *
 * @typedef {object} Query which things a text asks for, see docs/words.md
 * @property {string[]} [find]
 * @property {string[]} [colour]
 * @property {string[]} [size]
 * @property {string[]} [position]
 * @property {{relation: string, to: Query, and?: Query}[]} [relations]
 * @property {Query[]} [not]
 * @property {{by: string, nth?: number}} [pick]
 * @property {number} [count]
 * @property {Query[]} [or]
 * @property {string[]} [unused]
 *
 * @typedef {{id: number, box: Box, score: number, parent: number, rle: Rle}} Mask
 *
 * @typedef {object} ImageInfo
 * @property {string} id
 * @property {string} name
 * @property {number} width
 * @property {number} height
 * @property {"waiting"|"working"|"ready"|"failed"} state
 * @property {string|null} error
 * @property {string} created
 * @property {number} revision
 * @property {Mask[]|null} [masks]
 *
 * @typedef {object} Thing an object of a picture, as the server keeps it
 * @property {string} id
 * @property {string} label
 * @property {string|null} colour "#rrggbb"
 * @property {boolean} visible
 * @property {boolean} locked
 * @property {Prompt[]} prompts
 * @property {number} rank
 * @property {number|null} mask index among the picture's masks
 * @property {boolean} edited
 * @property {number|null} score
 * @property {Rle} rle
 * @property {number} prompt which of the prompts made the mask
 * @property {"auto"|"all"|"off"|null} refine as asked of select, null for the default
 * @property {boolean|null} zoom likewise
 * @property {number|null} looks of the picture when it was made; the server tells
 *
 * @typedef {{prompt: number, rank: number, score: number, box: Box, id: number|null, rle: Rle|null}} Picked
 *
 * @typedef {{id: number, score: number, name: string}} Near
 *
 * @typedef {object} TextAnswer
 * @property {number} prompt
 * @property {string} text
 * @property {Query} query
 * @property {string} reason
 * @property {string[]} notes
 * @property {Near[]} nearest where nothing fits
 * @property {Near[]} below masks that nearly fit
 * @property {Record<string, string[]>} unknown
 *
 * @typedef {{revision: number, masks: Picked[], texts: TextAnswer[]}} SelectAnswer
 */
export {};
