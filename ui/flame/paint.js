// @ts-check
// Pictures of boxes: on a canvas, and as SVG. Both draw from one list, so that what is exported is
// what was seen.

/**
 * @typedef {Object} Box
 * @property {number} x
 * @property {number} y
 * @property {number} w
 * @property {string[]} texts ever shorter: the first that fits is drawn
 * @property {string} title what a tip says; '': none
 * @property {string} fill
 * @property {boolean} dim stands back
 * @property {boolean} gone hatched: a diff took it away
 *
 * @typedef {Object} Picture
 * @property {number} width
 * @property {number} height
 * @property {Box[]} boxes
 *
 * @typedef {{paper: string, ink: string, frameInk: string}} Inks
 */

export const ROW = 19;
export const TEXT_LEAST = 24; // px: narrower frames carry no text
const SHEET_HEAD = 26; // px: an exported picture's title
const HATCH = 5; // px high, under the text
const FONT = '12px system-ui, -apple-system, "Segoe UI", sans-serif';

/** The longest text that fits, or the beginning of the shortest. @param {CanvasRenderingContext2D} context @param {string[]} texts @param {number} room */
function fit(context, texts, room) {
  for (const text of texts) if (context.measureText(text).width <= room) return text;
  const text = texts[texts.length - 1];
  let lo = 0;
  let hi = text.length;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if (context.measureText(text.slice(0, mid) + '…').width <= room) lo = mid;
    else hi = mid - 1;
  }
  return lo > 1 ? text.slice(0, lo) + '…' : '';
}

/** @param {CanvasRenderingContext2D} context @param {Box} box @param {Inks} inks */
function paintBox(context, box, inks) {
  const w = box.w > 2 ? box.w - 0.8 : box.w;
  context.globalAlpha = box.dim ? 0.35 : 1;
  context.fillStyle = box.fill;
  context.fillRect(box.x, box.y, w, ROW - 1);
  if (box.gone) {
    context.fillStyle = inks.paper;
    for (let x = box.x + 3; x < box.x + w; x += 6) context.fillRect(x, box.y + ROW - HATCH - 1, 2, HATCH);
  }
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {Picture} picture @param {Inks} inks */
export function paint(context, picture, inks) {
  context.clearRect(0, 0, picture.width, picture.height);
  context.font = FONT;
  context.textBaseline = 'middle';
  for (const box of picture.boxes) paintBox(context, box, inks);
  for (const box of picture.boxes) {
    if (box.w < TEXT_LEAST) continue;
    const text = fit(context, box.texts, box.w - 8);
    context.fillStyle = box.dim ? inks.ink : inks.frameInk;
    if (text) context.fillText(text, box.x + 4, box.y + ROW / 2);
  }
}

/** Pictures below each other, under a title. @param {Picture[]} pictures */
function sheetSize(pictures) {
  return { width: pictures[0].width, height: pictures.reduce((sum, p) => sum + p.height, SHEET_HEAD) };
}

/** @param {Element} parent @param {string} tag @param {Record<string, string | number>} attributes @param {string} [text] */
function addShape(parent, tag, attributes, text) {
  const shape = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes))
    shape.setAttribute(name, typeof value === 'number' ? String(Math.round(value * 100) / 100) : value);
  if (text) shape.textContent = text;
  parent.append(shape);
  return shape;
}

/** XML holds no control characters, escaped or not. @param {string} text */
function forXml(text) {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
}

/**
 * Pictures below each other, as a document of its own. Built from nodes, so that no name can become
 * markup.
 * @param {string} title @param {Picture[]} pictures @param {Inks} inks
 */
export function makeSvg(title, pictures, inks) {
  const { width, height } = sheetSize(pictures);
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}`, role: 'img' }))
    svg.setAttribute(name, String(value));
  addShape(svg, 'title', {}, forXml(title));
  addShape(svg, 'rect', { width, height, fill: inks.paper });
  addShape(svg, 'text', { x: 4, y: 17, 'font-family': 'system-ui, sans-serif', 'font-size': 13, fill: inks.ink }, forXml(title));
  const measure = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d'));
  measure.font = FONT;
  let top = SHEET_HEAD;
  for (const picture of pictures) {
    const group = addShape(svg, 'g', { transform: `translate(0 ${top})`, 'font-family': 'system-ui, sans-serif', 'font-size': 12 });
    for (const box of picture.boxes) addBox(group, box, measure, inks);
    top += picture.height;
  }
  return new XMLSerializer().serializeToString(svg);
}

/** @param {Element} group @param {Box} box @param {CanvasRenderingContext2D} measure @param {Inks} inks */
function addBox(group, box, measure, inks) {
  const item = addShape(group, 'g', box.dim ? { opacity: 0.35 } : {});
  addShape(item, 'title', {}, forXml(box.title));
  const w = Math.max(box.w > 2 ? box.w - 0.8 : box.w, 0.1);
  addShape(item, 'rect', { x: box.x, y: box.y, width: w, height: ROW - 1, fill: box.fill,
    ...(box.gone ? { stroke: inks.ink, 'stroke-dasharray': '3 3' } : {}) });
  const text = box.w < TEXT_LEAST ? '' : fit(measure, box.texts.map(forXml), box.w - 8);
  if (text) addShape(item, 'text', { x: box.x + 4, y: box.y + 13.5, fill: box.dim ? inks.ink : inks.frameInk }, text);
}

/** @param {string} title @param {Picture[]} pictures @param {Inks} inks @returns {Promise<Blob>} */
export function makePng(title, pictures, inks) {
  const { width, height } = sheetSize(pictures);
  // Twice as many pixels, for print, but not more than a browser's canvas can have.
  const scale = Math.min(2, 32000 / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.scale(scale, scale);
  context.fillStyle = inks.paper;
  context.fillRect(0, 0, width, height);
  context.fillStyle = inks.ink;
  context.font = '13px system-ui, sans-serif';
  context.fillText(title, 4, 17);
  context.translate(0, SHEET_HEAD);
  for (const picture of pictures) {
    const part = document.createElement('canvas');
    part.width = Math.round(width * scale);
    part.height = Math.max(1, Math.round(picture.height * scale));
    const partContext = /** @type {CanvasRenderingContext2D} */ (part.getContext('2d'));
    partContext.scale(scale, scale);
    paint(partContext, picture, inks);
    context.drawImage(part, 0, 0, width, picture.height);
    context.translate(0, picture.height);
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the picture is too large for this browser'))), 'image/png');
  });
}
