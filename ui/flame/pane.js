// @ts-check
// One tree on a canvas, and beside it a tree of ARIA items, so that keyboard and screen reader move
// over the same frames as the mouse. A page has one, or in the sandwich view two.

import { makeTree, layout, findMatches, shorterNames, formatValue, formatShare } from './model.js';
import { reorder, collapseRecursion } from './shape.js';
import { colourOf, FOUND } from './colour.js';
import { ROW, TEXT_LEAST, paint } from './paint.js';

const LEAST = 0.4; // px: narrower frames are not drawn
const TREE_ITEMS = 200;
const UNSEEN_WIDTH = 1200; // px
const WHEEL_STEP = 40; // px of deltaY a step: a pinch turns by few at a time, a wheel by 100

/**
 * @typedef {import('./shape.js').Numbered} Numbered
 * @typedef {import('./model.js').Tree} Tree
 *
 * @typedef {Object} Look How trees are shown.
 * @property {number} type
 * @property {import('./model.js').Type} unit
 * @property {import('./shape.js').Order} order
 * @property {import('./colour.js').Scheme} colour
 * @property {boolean} collapsed recursion is one frame
 * @property {number} scale of what a diff compares with its base
 *
 * @typedef {Object} Host What a pane tells the page.
 * @property {(pane: Pane) => void} focused another frame has the focus
 * @property {(pane: Pane, node: number) => void} chosen a frame is to be shown alone
 * @property {(pane: Pane, node: number) => void} zoomed a frame is to fill the width, the focus stays
 * @property {(pane: Pane, node: number, event: MouseEvent | null) => void} hovered -1: none
 * @property {(pane: Pane, node: number, x: number, y: number) => void} asked for its menu
 */

/** The colours of the theme that is on. */
export function themeInks() {
  const style = getComputedStyle(document.documentElement);
  /** @param {string} name */
  const of = (name) => style.getPropertyValue(name).trim();
  return { paper: of('--paper'), ink: of('--ink'), frameInk: of('--frame-ink'), accent: of('--accent') };
}

export class Pane {
  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} items @param {Host} host */
  constructor(canvas, items, host) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    this.items = items;
    this.host = host;
    this.mark = document.createElement('div');
    this.mark.className = 'mark';
    this.mark.hidden = true;
    canvas.after(this.mark);
    this.upward = false; // the root at the bottom
    this.root = 0; // the frame that fills the width
    this.focus = 0; // the frame the keyboard is on
    this.hover = -1;
    this.whole = 0; // what 100 % is
    this.turned = 0; // of the wheel, since the last step
    /** @type {Uint8Array | null} */
    this.matches = null;
    /** @type {{nodes: number[], weight: number}} */
    this.hits = { nodes: [], weight: 0 };
    /** @type {ReturnType<typeof layout>} */
    this.frames = [];
    /** @type {Numbered} */
    this.data = { names: [''], files: [], depth: [0], name: [0], file: [-1], module: [-1], inlined: [0], more: [0], id: [0], self: [[0]] };
    this.tree = makeTree(this.data, 0);
    /** @type {Look} */
    this.look = { type: 0, unit: { name: '', unit: '' }, order: 'value', colour: 'package', collapsed: false, scale: 1 };
    canvas.addEventListener('mousemove', (event) => this.moved(event));
    canvas.addEventListener('mouseleave', () => this.setHover(-1, null));
    canvas.addEventListener('click', (event) => this.clicked(event));
    canvas.addEventListener('wheel', (event) => this.wheeled(event), { passive: false });
    canvas.addEventListener('contextmenu', (event) => this.askedByMouse(event));
  }

  // ---- what is shown ----

  /**
   * @param {Numbered} source @param {Look} look @param {number} rootId @param {number | null} whole 100 %, if it is not this tree's own
   */
  show(source, look, rootId, whole) {
    const focusId = this.data.id[this.focus];
    const shaped = look.collapsed ? collapseRecursion(source) : source;
    this.look = look;
    this.data = reorder(shaped, look.type, look.order, look.scale);
    this.tree = makeTree(this.data, look.type, look.scale);
    this.whole = whole ?? this.tree.whole;
    this.root = Math.max(0, this.data.id.indexOf(rootId));
    const focus = this.data.id.indexOf(focusId);
    this.focus = this.isShown(focus) ? focus : this.root;
    this.hover = -1;
    this.setMatches(null);
    this.resize();
  }

  /** @param {number} node */
  isShown(node) {
    return node >= this.root && node < this.tree.end[this.root];
  }

  /** @param {Uint8Array | null} matches by index in the names */
  setMatches(matches) {
    this.matches = matches;
    this.hits = findMatches(this.tree, this.data.name, matches);
  }

  // ---- names and numbers ----

  /** @param {number} node */
  nameOf(node) {
    if (this.data.name[node] >= 0) return this.data.names[this.data.name[node]];
    return '… ' + this.data.more[node].toLocaleString('en-US') + ' more (' + formatShare(this.tree.total[node], this.whole) + ')';
  }

  /** @param {number} node */
  labelOf(node) {
    return this.nameOf(node) + (this.data.inlined[node] ? ' (inline)' : '');
  }

  /** What may be written on it, ever shorter. @param {number} node */
  textsOf(node) {
    if (this.isGroup(node)) return [this.nameOf(node), '…'];
    const forms = shorterNames(this.nameOf(node), this.fileOf(node));
    return this.data.inlined[node] ? [this.labelOf(node), ...forms] : forms;
  }

  /** @param {number} node */
  fileOf(node) {
    return this.data.file[node] >= 0 ? this.data.files[this.data.file[node]] : '';
  }

  /** @param {number} node */
  isGroup(node) {
    return this.data.name[node] < 0;
  }

  /** What is in "… more" frames together. */
  leftOut() {
    return this.tree.total.reduce((sum, value, node) => sum + (this.isGroup(node) ? value : 0), 0);
  }

  /** Of a difference with its sign. @param {number} value */
  print(value) {
    return (this.tree.isDiff && value > 0 ? '+' : '') + formatValue(value, this.look.unit.unit);
  }

  /** @param {number} node */
  describe(node) {
    const { tree } = this;
    let text = this.print(tree.total[node]) + ' (' + formatShare(tree.total[node], this.whole) + (tree.before ? ' of the base' : ' of all');
    const parent = tree.parent[node];
    if (!tree.isDiff && this.root) text += ', ' + formatShare(tree.total[node], tree.total[this.root]) + ' of what is shown';
    if (!tree.isDiff && parent > 0) text += ', ' + formatShare(tree.total[node], tree.total[parent]) + ' of its caller';
    text += ')';
    if (tree.before) {
      const { unit } = this.look.unit;
      text += ' · ' + formatValue(tree.before[node], unit) + ' before, ' + formatValue(tree.before[node] + tree.total[node], unit) + ' after';
    }
    if (tree.self[node]) text += ' · itself ' + this.print(tree.self[node]) + ' (' + formatShare(tree.self[node], this.whole) + ')';
    return text;
  }

  /** The frame and those above it, innermost first. @param {number} node */
  stackOf(node) {
    const names = [];
    for (let p = node; p >= 0; p = this.tree.parent[p]) names.push(this.nameOf(p));
    return names;
  }

  // ---- drawing ----

  rows() {
    return this.tree.maxDepth + 1;
  }

  /** @param {number} row */
  rowTop(row) {
    return (this.upward ? this.rows() - 1 - row : row) * ROW;
  }

  /** Of the picture; one that nobody sees, as when the table is shown, still can be exported. */
  width() {
    return this.canvas.clientWidth || UNSEEN_WIDTH;
  }

  resize() {
    const { canvas } = this;
    const width = this.width();
    const height = this.rows() * ROW;
    canvas.style.height = height + 'px';
    // Browsers refuse canvases past 32,767 pixels a side; a deeper tree is drawn at a lower ratio.
    const scale = Math.min(window.devicePixelRatio || 1, 32000 / Math.max(height, 1), 32000 / Math.max(width, 1));
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    this.context.setTransform(canvas.width / Math.max(width, 1), 0, 0, canvas.height / Math.max(height, 1), 0, 0);
  }

  /** Callers of what is shown, and what a search did not find, stand back. @param {number} node */
  isDim(node) {
    if (this.matches) return this.isGroup(node) || !this.matches[this.data.name[node]];
    return !this.isShown(node);
  }

  /** @param {number} node */
  fillOf(node) {
    if (this.matches && !this.isDim(node)) return FOUND;
    return colourOf(this.data, this.tree, node, this.look.colour);
  }

  /** @param {boolean} titled with what a tip would say, which costs time @returns {import('./paint.js').Picture} */
  picture(titled) {
    const boxes = this.frames.map(({ node, x, w, row }) => ({
      x, w, y: this.rowTop(row), texts: w < TEXT_LEAST ? [] : this.textsOf(node),
      title: titled ? this.nameOf(node) + '\n' + this.describe(node) : '',
      fill: this.fillOf(node), dim: this.isDim(node), gone: this.tree.total[node] < 0,
    }));
    return { width: this.width(), height: this.rows() * ROW, boxes };
  }

  draw() {
    const inks = themeInks();
    this.frames = layout(this.tree, this.root, this.width(), LEAST);
    paint(this.context, this.picture(false), inks);
    const focus = this.frames.find((f) => f.node === this.focus);
    if (focus) this.outline(focus, inks.accent);
    this.markHover();
  }

  /** @param {{x: number, w: number, row: number}} frame @param {string} colour */
  outline(frame, colour) {
    this.context.strokeStyle = colour;
    this.context.lineWidth = 2;
    this.context.strokeRect(frame.x + 1, this.rowTop(frame.row) + 1, Math.max(frame.w - 2.8, 1), ROW - 3);
  }

  /** A box above the canvas: following the mouse draws nothing anew. */
  markHover() {
    const frame = this.hover < 0 ? undefined : this.frames.find((f) => f.node === this.hover);
    this.mark.hidden = !frame;
    if (!frame) return;
    Object.assign(this.mark.style, {
      left: frame.x + 'px', top: this.rowTop(frame.row) + 'px', width: Math.max(frame.w - 0.8, 2) + 'px', height: ROW - 1 + 'px',
    });
  }

  refresh() {
    this.draw();
    this.updateItems();
  }

  // ---- the tree for keyboard and screen reader ----

  /** @param {number} node */
  childrenOf(node) {
    const children = [];
    for (let i = node + 1; i < this.tree.end[node]; i = this.tree.end[i]) children.push(i);
    return children;
  }

  /** @param {number} node */
  siblingsOf(node) {
    const parent = this.tree.parent[node];
    return parent < 0 ? [node] : this.childrenOf(parent);
  }

  /** What is around the focus: its callers, its siblings, its children. */
  itemNodes() {
    /** @type {number[]} */
    const above = [];
    for (let p = this.tree.parent[this.focus]; p >= 0; p = this.tree.parent[p]) above.unshift(p);
    const beside = this.siblingsOf(this.focus);
    const at = beside.indexOf(this.focus);
    const from = Math.max(0, Math.min(at - TREE_ITEMS / 4, beside.length - TREE_ITEMS / 2));
    const shown = beside.slice(from, from + TREE_ITEMS / 2);
    const children = this.childrenOf(this.focus).slice(0, TREE_ITEMS / 2);
    const after = shown.indexOf(this.focus) + 1;
    return [...above, ...shown.slice(0, after), ...children, ...shown.slice(after)];
  }

  updateItems() {
    this.items.replaceChildren(...this.itemNodes().map((node) => this.makeItem(node)));
    this.items.setAttribute('aria-activedescendant', this.itemId(this.focus));
  }

  /** @param {number} node */
  itemId(node) {
    return this.items.id + '-' + node;
  }

  /** @param {number} node */
  makeItem(node) {
    const item = document.createElement('div');
    const siblings = this.siblingsOf(node);
    item.id = this.itemId(node);
    item.setAttribute('role', 'treeitem');
    item.setAttribute('aria-level', String(this.tree.depth[node] + 1));
    item.setAttribute('aria-setsize', String(siblings.length));
    item.setAttribute('aria-posinset', String(siblings.indexOf(node) + 1));
    item.setAttribute('aria-selected', String(node === this.focus));
    const isAbove = node <= this.focus && this.focus < this.tree.end[node];
    if (this.tree.end[node] > node + 1) item.setAttribute('aria-expanded', String(isAbove));
    item.textContent = this.labelOf(node) + ', ' + this.describe(node);
    return item;
  }

  /** @param {number} node @returns {boolean} whether it is outside of what fills the width */
  setFocus(node) {
    const shown = this.isShown(node);
    const above = node <= this.root && this.root < this.tree.end[node];
    this.focus = node;
    if (!shown && !above) this.root = 0;
    this.refresh();
    this.scrollTo(node);
    this.host.focused(this);
    return !shown && !above;
  }

  /** @param {number} node */
  scrollTo(node) {
    const top = this.canvas.getBoundingClientRect().top + this.rowTop(this.tree.depth[node]);
    if (top < 60 || top > window.innerHeight - 60) window.scrollBy({ top: top - window.innerHeight / 2 });
  }

  /** @param {number} step */
  moveBeside(step) {
    const beside = this.siblingsOf(this.focus);
    const next = beside[beside.indexOf(this.focus) + step];
    if (next !== undefined) this.setFocus(next);
  }

  moveIn() {
    const children = this.childrenOf(this.focus);
    if (!children.length) return;
    let widest = children[0];
    for (const c of children) if (this.tree.gross[c] > this.tree.gross[widest]) widest = c;
    this.setFocus(widest);
  }

  moveOut() {
    const parent = this.tree.parent[this.focus];
    if (parent >= 0) this.setFocus(parent);
  }

  /** @param {number} step of the matches, which stand in drawing order */
  nextMatch(step) {
    const { nodes } = this.hits;
    if (!nodes.length) return;
    const at = nodes.indexOf(this.focus);
    const next = at < 0 ? (step > 0 ? 0 : nodes.length - 1) : (at + step + nodes.length) % nodes.length;
    this.setFocus(nodes[next]);
  }

  // ---- zooming step by step ----

  /** Fills the width with the next narrower frame on the way to one. @param {number} node */
  zoomTowards(node) {
    const { parent, gross } = this.tree;
    if (node < 0 || !this.isShown(node)) return;
    let next = this.root;
    for (let p = this.isGroup(node) ? parent[node] : node; p > this.root; p = parent[p])
      if (gross[p] < gross[this.root]) next = p;
    if (next !== this.root) this.host.zoomed(this, next);
  }

  /** And back to the next wider, or to the whole if that is no wider. */
  zoomOut() {
    const { parent, gross } = this.tree;
    let next = this.root;
    while (next > 0 && gross[next] === gross[this.root]) next = parent[next];
    if (gross[next] === gross[0]) next = 0;
    if (next !== this.root) this.host.zoomed(this, next);
  }

  // ---- the mouse ----

  /** With Ctrl, as browsers zoom, and as they tell of a pinch; the wheel alone scrolls. @param {WheelEvent} event */
  wheeled(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.turned = Math.sign(event.deltaY) === Math.sign(this.turned) ? this.turned + event.deltaY : event.deltaY;
    if (Math.abs(this.turned) < WHEEL_STEP) return;
    const nearer = this.turned < 0;
    this.turned = 0;
    if (nearer) this.zoomTowards(this.nodeAt(event));
    else this.zoomOut();
  }

  /** @param {MouseEvent} event */
  nodeAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = event.clientX - box.left;
    const row = Math.floor((event.clientY - box.top) / ROW);
    const wanted = this.upward ? this.rows() - 1 - row : row;
    for (const f of this.frames) if (f.row === wanted && x >= f.x && x < f.x + f.w) return f.node;
    return -1;
  }

  /** @param {number} node @param {MouseEvent | null} event */
  setHover(node, event) {
    this.hover = node;
    this.markHover();
    this.host.hovered(this, node, event);
  }

  /** @param {MouseEvent} event */
  moved(event) {
    this.setHover(this.nodeAt(event), event);
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const node = this.nodeAt(event);
    this.items.focus({ preventScroll: true });
    if (node >= 0) this.host.chosen(this, node);
  }

  /** @param {MouseEvent} event */
  askedByMouse(event) {
    const node = this.nodeAt(event);
    if (node < 0) return;
    event.preventDefault();
    this.items.focus({ preventScroll: true });
    this.setFocus(node);
    this.host.asked(this, node, event.clientX, event.clientY);
  }

  /** The menu of the focus, where its frame is. */
  askedByKey() {
    this.items.focus({ preventScroll: true });
    const frame = this.frames.find((f) => f.node === this.focus);
    const box = this.canvas.getBoundingClientRect();
    const x = box.left + (frame ? frame.x + Math.min(frame.w / 2, 40) : 0);
    this.host.asked(this, this.focus, x, box.top + this.rowTop(this.tree.depth[this.focus]) + ROW);
  }
}
