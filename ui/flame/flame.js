// @ts-check
// The flame graph page: draws the tree of model.js on a canvas and keeps a tree of ARIA items beside
// it, so that keyboard and screen reader move over the same frames as the mouse.

import { makeTree, layout, matchNames, findMatches, tableRows, formatValue, formatShare } from './model.js';

const ROW = 19;
const LEAST = 0.4; // px: narrower frames are not drawn
const TEXT_LEAST = 24; // px: narrower frames carry no text
const TREE_ITEMS = 200;

/** @template {HTMLElement} T @param {string} id @param {new () => T} type @returns {T} */
function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error('no element #' + id);
  return found;
}

const data = /** @type {import('./model.js').PageData} */ (
  JSON.parse(element('data', HTMLScriptElement).textContent || '{}'));
const canvas = element('canvas', HTMLCanvasElement);
const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
const treeBox = element('tree', HTMLDivElement);
const tableBox = element('table', HTMLDivElement);
const tip = element('tip', HTMLDivElement);
const status = element('status', HTMLOutputElement);
const found = element('found', HTMLOutputElement);
const searchBox = element('search', HTMLInputElement);
const typeBox = element('type', HTMLSelectElement);
const help = element('help', HTMLDialogElement);

const state = {
  type: data.type,
  root: 0, // the frame that fills the width
  focus: 0, // the frame the keyboard is on
  hover: -1,
  flipped: false,
  pattern: '',
};
/** @type {import('./model.js').Tree} */
let tree = makeTree(data, state.type);
/** @type {Uint8Array | null} */
let matches = null;
/** @type {{nodes: number[], weight: number}} */
let hits = { nodes: [], weight: 0 };
/** @type {ReturnType<typeof layout>} */
let frames = [];

// ---- names and numbers ----

/** @param {number} node */
function nameOf(node) {
  if (data.name[node] >= 0) return data.names[data.name[node]];
  return '… ' + data.more[node].toLocaleString('en-US') + ' more';
}

/** @param {number} node */
function fileOf(node) {
  return data.file[node] >= 0 ? data.files[data.file[node]] : '';
}

/** @param {number} value */
function show(value) {
  return formatValue(value, data.types[state.type].unit);
}

/** @param {number} node */
function describe(node) {
  const whole = tree.total[0];
  const parts = [show(tree.total[node]) + ' (' + formatShare(tree.total[node], whole) + ' of all'];
  if (state.root) parts[0] += ', ' + formatShare(tree.total[node], tree.total[state.root]) + ' of what is shown';
  const parent = tree.parent[node];
  if (parent > 0) parts[0] += ', ' + formatShare(tree.total[node], tree.total[parent]) + ' of its caller';
  parts[0] += ')';
  if (tree.self[node]) parts.push('itself ' + show(tree.self[node]) + ' (' + formatShare(tree.self[node], whole) + ')');
  return parts.join(' · ');
}

// ---- drawing ----

/** A hue that stays with the file or module, so that what belongs together looks alike. @param {number} node */
function hueOf(node) {
  const key = fileOf(node).replace(/\/[^/]*$/, '') || nameOf(node).replace(/[^A-Za-z].*$/, '');
  let h = 2166136261;
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 16777619);
  return (h >>> 0) % 1000 / 1000;
}

/** @type {Map<number, string>} */
const colours = new Map();

/** @param {number} node */
function colourOf(node) {
  if (data.name[node] < 0) return 'hsl(40 6% 72%)';
  const known = colours.get(data.name[node]);
  if (known) return known;
  const hue = 8 + hueOf(node) * 52; // red to yellow: a flame
  let shade = 0;
  for (const c of nameOf(node)) shade = (shade * 31 + c.charCodeAt(0)) & 0xffff;
  const colour = `hsl(${hue.toFixed(0)} 78% ${66 + (shade % 12)}%)`;
  colours.set(data.name[node], colour);
  return colour;
}

function rows() {
  return tree.maxDepth + 1;
}

/** @param {number} row */
function rowTop(row) {
  return (state.flipped ? rows() - 1 - row : row) * ROW;
}

function resize() {
  const width = canvas.clientWidth;
  const height = rows() * ROW;
  const ratio = window.devicePixelRatio || 1;
  canvas.style.height = height + 'px';
  // Browsers refuse canvases past 32,767 pixels a side; a deeper tree is drawn at a lower ratio.
  const scale = Math.min(ratio, 32000 / Math.max(height, 1), 32000 / Math.max(width, 1));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  context.setTransform(canvas.width / Math.max(width, 1), 0, 0, canvas.height / Math.max(height, 1), 0, 0);
}

/** @param {string} text @param {number} room */
function fit(text, room) {
  if (context.measureText(text).width <= room) return text;
  let lo = 0;
  let hi = text.length;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if (context.measureText(text.slice(0, mid) + '…').width <= room) lo = mid;
    else hi = mid - 1;
  }
  return lo > 1 ? text.slice(0, lo) + '…' : '';
}

function draw() {
  const width = canvas.clientWidth;
  const style = getComputedStyle(document.documentElement);
  const paper = style.getPropertyValue('--paper');
  const frameInk = style.getPropertyValue('--frame-ink');
  const ink = style.getPropertyValue('--ink');
  frames = layout(tree, state.root, width, LEAST);
  context.clearRect(0, 0, width, rows() * ROW);
  context.font = '12px system-ui, -apple-system, "Segoe UI", sans-serif';
  context.textBaseline = 'middle';
  for (const f of frames) drawBox(f, paper);
  for (const f of frames) drawText(f, isDimmed(f.node) ? ink : frameInk);
  for (const f of frames) if (f.node === state.focus || f.node === state.hover) drawOutline(f, style);
}

/** Callers of what is shown, and what a search did not find, stand back. @param {number} node */
function isDimmed(node) {
  if (matches) return data.name[node] < 0 || !matches[data.name[node]];
  return node !== state.root && tree.depth[node] < tree.depth[state.root];
}

/** @param {{node: number, x: number, w: number, row: number}} f @param {string} paper */
function drawBox(f, paper) {
  const y = rowTop(f.row);
  const dimmed = isDimmed(f.node);
  context.globalAlpha = dimmed ? 0.35 : 1;
  context.fillStyle = matches && !dimmed ? 'hsl(276 75% 74%)' : colourOf(f.node);
  const w = f.w > 2 ? f.w - 0.8 : f.w;
  context.fillRect(f.x, y, w, ROW - 1);
  if (tree.total[f.node] < 0) {
    context.fillStyle = paper; // what a diff took away is hatched
    for (let x = f.x + 3; x < f.x + w; x += 6) context.fillRect(x, y, 1, ROW - 1);
  }
  context.globalAlpha = 1;
}

/** @param {{node: number, x: number, w: number, row: number}} f @param {string} colour */
function drawText(f, colour) {
  if (f.w < TEXT_LEAST) return;
  context.fillStyle = colour;
  const text = fit(nameOf(f.node) + (data.inlined[f.node] ? ' (inline)' : ''), f.w - 8);
  if (text) context.fillText(text, f.x + 4, rowTop(f.row) + ROW / 2);
}

/** @param {{node: number, x: number, w: number, row: number}} f @param {CSSStyleDeclaration} style */
function drawOutline(f, style) {
  context.strokeStyle = style.getPropertyValue(f.node === state.focus ? '--accent' : '--ink');
  context.lineWidth = 2;
  context.strokeRect(f.x + 1, rowTop(f.row) + 1, Math.max(f.w - 2.8, 1), ROW - 3);
}

// ---- the tree for keyboard and screen reader ----

/** @param {number} node */
function childrenOf(node) {
  const children = [];
  for (let i = node + 1; i < tree.end[node]; i = tree.end[i]) children.push(i);
  return children;
}

/** @param {number} node */
function siblingsOf(node) {
  return tree.parent[node] < 0 ? [node] : childrenOf(tree.parent[node]);
}

/** What is around the focus: its callers, its siblings, its children. */
function treeNodes() {
  /** @type {number[]} */
  const above = [];
  for (let p = tree.parent[state.focus]; p >= 0; p = tree.parent[p]) above.unshift(p);
  const beside = siblingsOf(state.focus);
  const at = beside.indexOf(state.focus);
  const from = Math.max(0, Math.min(at - TREE_ITEMS / 4, beside.length - TREE_ITEMS / 2));
  return above.concat(beside.slice(from, from + TREE_ITEMS / 2), childrenOf(state.focus).slice(0, TREE_ITEMS / 2));
}

function updateTree() {
  const items = treeNodes().map((node) => {
    const item = document.createElement('div');
    const siblings = siblingsOf(node);
    item.id = 'frame-' + node;
    item.setAttribute('role', 'treeitem');
    item.setAttribute('aria-level', String(tree.depth[node] + 1));
    item.setAttribute('aria-setsize', String(siblings.length));
    item.setAttribute('aria-posinset', String(siblings.indexOf(node) + 1));
    item.setAttribute('aria-selected', String(node === state.focus));
    if (tree.end[node] > node + 1) item.setAttribute('aria-expanded', String(node === state.focus || node < state.focus));
    item.textContent = nameOf(node) + ', ' + describe(node);
    return item;
  });
  treeBox.replaceChildren(...items);
  treeBox.setAttribute('aria-activedescendant', 'frame-' + state.focus);
}

// ---- views ----

function crumbs() {
  const path = [];
  for (let p = state.root; p >= 0; p = tree.parent[p]) path.unshift(p);
  const box = element('crumbs', HTMLElement);
  const parts = /** @type {(Node|string)[]} */ ([]);
  if (state.root) {
    for (const node of path) {
      if (parts.length) parts.push(' › ');
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = nameOf(node);
      button.addEventListener('click', () => zoom(node));
      parts.push(button);
    }
  }
  box.replaceChildren(...parts);
}

function updateStatus() {
  const node = state.hover >= 0 ? state.hover : state.focus;
  const file = fileOf(node);
  status.textContent = nameOf(node) + ' · ' + describe(node) + (file ? ' · ' + file : '');
}

function refresh() {
  draw();
  crumbs();
  updateTree();
  updateStatus();
  if (!tableBox.hidden) fillTable();
}

/** @param {number} node @param {boolean} [silent] */
function zoom(node, silent) {
  if (data.name[node] < 0) return;
  state.root = node;
  state.focus = node;
  refresh();
  if (!silent) remember(false);
}

/** @param {number} node */
function focusOn(node) {
  state.focus = node;
  const shown = node >= state.root && node < tree.end[state.root];
  const above = tree.depth[node] <= tree.depth[state.root] && node <= state.root && state.root < tree.end[node];
  if (!shown && !above) state.root = 0;
  refresh();
  const top = canvas.getBoundingClientRect().top + rowTop(tree.depth[node]);
  if (top < 60 || top > window.innerHeight - 60) window.scrollBy({ top: top - window.innerHeight / 2 });
}

function search() {
  const result = matchNames(data.names, state.pattern);
  matches = result.matches;
  hits = findMatches(tree, data.name, matches);
  found.classList.toggle('bad', Boolean(result.error));
  if (result.error) found.textContent = result.error;
  else if (!matches) found.textContent = '';
  else if (!hits.nodes.length) found.textContent = 'no match';
  else found.textContent = hits.nodes.length + (hits.nodes.length === 1 ? ' frame, ' : ' frames, ') + formatShare(hits.weight, tree.total[0]);
  refresh();
}

/** @param {number} step */
function nextMatch(step) {
  if (!hits.nodes.length) return;
  const at = hits.nodes.indexOf(state.focus);
  const n = hits.nodes.length;
  const next = at < 0 ? (step > 0 ? 0 : n - 1) : (at + step + n) % n;
  focusOn(hits.nodes[next]);
}

function fillTable() {
  const whole = tree.total[0];
  const table = document.createElement('table');
  const head = table.createTHead().insertRow();
  for (const text of ['Flat', 'Flat%', 'Cum', 'Cum%', 'Name']) {
    const th = document.createElement('th');
    th.scope = 'col';
    th.textContent = text;
    head.append(th);
  }
  const body = table.createTBody();
  for (const row of tableRows(tree, data.name, data.names.length).slice(0, 500)) {
    const tr = body.insertRow();
    for (const text of [show(row.flat), formatShare(row.flat, whole), show(row.cum), formatShare(row.cum, whole)])
      tr.insertCell().textContent = text;
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = data.names[row.name];
    button.addEventListener('click', () => {
      setPattern('^' + data.names[row.name].replace(/[.*+?^${}()|[\]\\]/g, '\\$&') + '$');
      toggleTable();
    });
    tr.insertCell().append(button);
  }
  tableBox.replaceChildren(table);
}

function toggleTable() {
  tableBox.hidden = !tableBox.hidden;
  element('stage', HTMLDivElement).hidden = !tableBox.hidden;
  element('table-button', HTMLButtonElement).setAttribute('aria-pressed', String(!tableBox.hidden));
  if (tableBox.hidden) resize();
  refresh();
}

function toggleFlip() {
  state.flipped = !state.flipped;
  element('flip', HTMLButtonElement).setAttribute('aria-pressed', String(state.flipped));
  refresh();
  remember(true);
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : window.matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  try {
    localStorage.setItem('sonde-theme', root.dataset.theme);
  } catch {
    // A page opened from a file may have no storage: the choice lasts as long as the page.
  }
  refresh();
}

/** @param {string} pattern */
function setPattern(pattern) {
  state.pattern = pattern;
  searchBox.value = pattern;
  search();
  remember(true);
}

// ---- the view in the address, so that back and a copied link work ----

/** @param {boolean} replace */
function remember(replace) {
  const params = new URLSearchParams();
  if (state.root) params.set('z', String(state.root));
  if (state.pattern) params.set('q', state.pattern);
  if (state.type !== data.type) params.set('si', String(state.type));
  if (state.flipped) params.set('flip', '1');
  const hash = '#' + params.toString();
  if (hash === (location.hash || '#')) return;
  if (replace) history.replaceState(null, '', hash);
  else history.pushState(null, '', hash);
}

function recall() {
  const params = new URLSearchParams(location.hash.slice(1));
  const type = Number(params.get('si') ?? data.type);
  const root = Number(params.get('z') ?? 0);
  state.type = data.types[type] ? type : data.type;
  state.root = Number.isInteger(root) && root >= 0 && root < tree.n ? root : 0;
  state.focus = state.root;
  state.flipped = params.get('flip') === '1';
  state.pattern = params.get('q') ?? '';
  typeBox.value = String(state.type);
  searchBox.value = state.pattern;
  tree = makeTree(data, state.type);
  resize();
  search();
}

// ---- input ----

/** @param {MouseEvent} event */
function nodeAt(event) {
  const box = canvas.getBoundingClientRect();
  const x = event.clientX - box.left;
  const row = Math.floor((event.clientY - box.top) / ROW);
  const wanted = state.flipped ? rows() - 1 - row : row;
  for (const f of frames) if (f.row === wanted && x >= f.x && x < f.x + f.w) return f.node;
  return -1;
}

/** @param {MouseEvent} event */
function hover(event) {
  const node = nodeAt(event);
  if (node !== state.hover) {
    state.hover = node;
    draw();
    updateStatus();
  }
  tip.hidden = node < 0;
  if (node < 0) return;
  const name = document.createElement('b');
  const text = document.createElement('span');
  const file = document.createElement('span');
  name.textContent = nameOf(node) + (data.inlined[node] ? ' (inline)' : '');
  text.textContent = describe(node);
  file.textContent = fileOf(node);
  tip.replaceChildren(name, text, file);
  const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 18;
  tip.style.left = Math.max(4, left) + 'px';
  tip.style.top = (below + tip.offsetHeight < window.innerHeight ? below : event.clientY - tip.offsetHeight - 10) + 'px';
}

function leave() {
  state.hover = -1;
  tip.hidden = true;
  draw();
  updateStatus();
}

/** @param {number} step */
function moveBeside(step) {
  const beside = siblingsOf(state.focus);
  const next = beside[beside.indexOf(state.focus) + step];
  if (next !== undefined) focusOn(next);
}

function moveIn() {
  const children = childrenOf(state.focus);
  if (!children.length) return;
  let widest = children[0];
  for (const c of children) if (Math.abs(tree.total[c]) > Math.abs(tree.total[widest])) widest = c;
  focusOn(widest);
}

function moveOut() {
  if (tree.parent[state.focus] >= 0) focusOn(tree.parent[state.focus]);
}

/** @param {boolean} whole */
function copy(whole) {
  const lines = [];
  for (let p = state.focus; p >= 0; p = whole ? tree.parent[p] : -1) lines.push(nameOf(p));
  const text = lines.join('\n');
  if (!navigator.clipboard) {
    status.textContent = 'This browser gives a page from a file no clipboard.';
    return;
  }
  navigator.clipboard.writeText(text).then(
    () => { status.textContent = whole ? 'Stack copied.' : 'Name copied.'; },
    (e) => { status.textContent = 'Could not copy: ' + e; });
}

function reset() {
  state.pattern = '';
  searchBox.value = '';
  state.root = 0;
  state.focus = 0;
  search();
  remember(false);
}

/** @type {Record<string, () => void>} */
const keys = {
  Enter: () => zoom(state.focus),
  Escape: reset,
  0: reset,
  Backspace: () => history.back(),
  ArrowLeft: () => moveBeside(-1),
  ArrowRight: () => moveBeside(1),
  ArrowDown: () => (state.flipped ? moveOut() : moveIn()),
  ArrowUp: () => (state.flipped ? moveIn() : moveOut()),
  '/': () => { searchBox.focus(); searchBox.select(); },
  n: () => nextMatch(1),
  N: () => nextMatch(-1),
  c: () => copy(false),
  C: () => copy(true),
  i: toggleFlip,
  t: toggleTable,
  d: toggleTheme,
  '?': () => help.showModal(),
};

/** @param {KeyboardEvent} event */
function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const target = event.target;
  if (target === searchBox) {
    if (event.key === 'Enter') nextMatch(event.shiftKey ? -1 : 1);
    if (event.key === 'Escape') treeBox.focus();
    return;
  }
  const onControl = target instanceof HTMLButtonElement || target instanceof HTMLSelectElement;
  if (onControl && (event.key === 'Enter' || event.key.startsWith('Arrow'))) return;
  const action = keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

// ---- start ----

function start() {
  try {
    const theme = localStorage.getItem('sonde-theme');
    if (theme) document.documentElement.dataset.theme = theme;
  } catch {
    // no storage for this page
  }
  document.title = data.title + ' – flame graph';
  element('title', HTMLHeadingElement).textContent = data.title;
  element('labels', HTMLParagraphElement).textContent = data.labels.join(' · ');
  data.types.forEach((type, i) => typeBox.add(new Option(type.name, String(i))));
  element('type-label', HTMLLabelElement).hidden = data.types.length < 2;
  canvas.addEventListener('mousemove', hover);
  canvas.addEventListener('mouseleave', leave);
  canvas.addEventListener('click', (event) => {
    const node = nodeAt(event);
    treeBox.focus();
    if (node >= 0) zoom(node);
  });
  searchBox.addEventListener('input', () => setPattern(searchBox.value));
  typeBox.addEventListener('change', () => {
    state.type = Number(typeBox.value);
    tree = makeTree(data, state.type);
    search();
    remember(true);
  });
  element('next', HTMLButtonElement).addEventListener('click', () => nextMatch(1));
  element('previous', HTMLButtonElement).addEventListener('click', () => nextMatch(-1));
  element('reset', HTMLButtonElement).addEventListener('click', reset);
  element('flip', HTMLButtonElement).addEventListener('click', toggleFlip);
  element('table-button', HTMLButtonElement).addEventListener('click', toggleTable);
  element('theme', HTMLButtonElement).addEventListener('click', toggleTheme);
  element('help-button', HTMLButtonElement).addEventListener('click', () => help.showModal());
  document.addEventListener('keydown', key);
  window.addEventListener('resize', () => { resize(); draw(); });
  window.addEventListener('popstate', recall);
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', refresh);
  recall();
}

start();
