// @ts-check
// The flame graph page: keeps the view, which is in the address, and shows it in panes and tables.
// Every change of the view goes one way: change it, write it to the address, show() it.

import { makeTree, isDiff, normalScale, matchNames, formatShare } from './model.js';
import { hasMore, folded } from './shape.js';
import { SCHEMES, groupColour, changeColour, heaviestGroups } from './colour.js';
import { makeSvg, makePng } from './paint.js';
import { Pane, themeInks } from './pane.js';
import { openMenu, makeDisclosure } from '../common/menu.js';
import { makeTable } from './table.js';
import { readView, readPivot, pivotSearch, viewHash, lookHash, wholePart, SIDES } from './address.js';
import { isServed, loadSources } from './source.js';
import { applyTheme, toggleTheme } from '../common/theme.js';
import { startConfigs } from '../common/configs.js';
import { linkTo, functionEntries } from '../common/links.js';

/** @typedef {import('./address.js').Side} Side */
/** @typedef {import('./pane.js').Pane} AnyPane */

const LEGEND_MAX = 8;

/** @template {HTMLElement} T @param {string} id @param {new () => T} type @returns {T} */
function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error('no element #' + id);
  return found;
}

const data = /** @type {import('./model.js').PageData} */ (
  JSON.parse(element('data', HTMLScriptElement).textContent || '{}'));
const served = isServed(data);
const tableBox = element('table', HTMLDivElement);
const tip = element('tip', HTMLDivElement);
const status = element('status', HTMLOutputElement);
const found = element('found', HTMLOutputElement);
const problem = element('problem', HTMLParagraphElement);
const searchBox = element('search', HTMLInputElement);
const typeBox = element('type', HTMLSelectElement);
const orderBox = element('order', HTMLSelectElement);
const colourBox = element('colour', HTMLSelectElement);
const collapseBox = element('collapse', HTMLInputElement);
const normalBox = element('normal', HTMLInputElement);
const help = element('help', HTMLDialogElement);

let view = addressedView();

/** @returns {import('./address.js').View} */
function addressedView() {
  const read = readView(location.hash || (data.view ?? ''), data);
  return served && !read.fn ? { ...read, fn: readPivot(location.search, data) } : read;
}

/** @type {import('./pane.js').Host} */
const host = {
  focused: (pane) => { active = pane; updateStatus(pane, pane.focus); },
  chosen: choose,
  zoomed: (pane, node) => showAlone(pane, node, true),
  hovered: hover,
  asked: frameMenu,
};

/** @param {Side} side */
function makePane(side) {
  const pane = new Pane(element(side + '-canvas', HTMLCanvasElement), element(side + '-tree', HTMLDivElement), host);
  pane.items.addEventListener('focus', () => { active = pane; });
  return pane;
}

const panes = /** @type {Record<Side, AnyPane>} */ ({ main: makePane('main'), callers: makePane('callers'), callees: makePane('callees') });
let active = panes.main;

/** @returns {Side[]} */
function shownSides() {
  return view.fn ? ['callers', 'callees'] : ['main'];
}

/** @param {AnyPane} pane @returns {Side} */
function sideOf(pane) {
  return SIDES.find((side) => panes[side] === pane) ?? 'main';
}

// ---- from the view to the page ----

let showing = 0;

/** Shows the view; what is asked of a server comes later, and only the last request counts. */
async function show() {
  const now = ++showing;
  document.body.setAttribute('aria-busy', 'true');
  try {
    const sources = await loadSources(data, view);
    if (now === showing) showSources(sources);
  } catch (e) {
    if (now === showing) complain('Could not show this: ' + (e instanceof Error ? e.message : e));
  }
  if (now === showing) document.body.setAttribute('aria-busy', 'false');
}

/** @param {string} text */
function complain(text) {
  problem.textContent = text;
  problem.hidden = !text;
}

function scheme() {
  return view.colour || (isDiff(data, view.type) ? 'change' : 'package');
}

/** @param {Record<string, import('./shape.js').Numbered>} sources */
function showSources(sources) {
  const scale = view.normal ? normalScale(data, view.type) : 1;
  const { whole, gross } = makeTree(data, view.type, scale);
  const look = { type: view.type, unit: data.types[view.type], order: view.order, colour: scheme(), collapsed: view.collapsed, scale };
  const inTree = document.activeElement?.classList.contains('tree');
  complain(gross[0] ? '' : 'The profile, as it is filtered, has no samples of type ' + data.types[view.type].name + '.');
  for (const side of SIDES) element(side + '-part', HTMLElement).hidden = view.table || !sources[side];
  for (const side of shownSides()) {
    panes[side].upward = side === 'callers' || (side === 'main' && view.flipped);
    panes[side].show(sources[side], look, view.parts[side].zoom, whole);
  }
  if (!shownSides().includes(sideOf(active))) active = panes[shownSides()[0]];
  if (inTree) active.items.focus({ preventScroll: true });
  showControls();
  search();
  if (view.fn !== shownFn) showMiddle();
}

let shownFn = '';

/** Between callers and callees, where the function is; they may be many rows. */
function showMiddle() {
  shownFn = view.fn;
  if (view.fn && !view.table) element('callees-head', HTMLHeadingElement).scrollIntoView({ block: 'center' });
}

function showControls() {
  typeBox.value = String(view.type);
  orderBox.value = view.order;
  colourBox.value = scheme();
  collapseBox.checked = view.collapsed;
  normalBox.checked = view.normal;
  if (searchBox.value !== view.pattern) searchBox.value = view.pattern;
  element('flip', HTMLButtonElement).setAttribute('aria-pressed', String(view.flipped));
  element('flip', HTMLButtonElement).disabled = Boolean(view.fn);
  element('table-button', HTMLButtonElement).setAttribute('aria-pressed', String(view.table));
  element('callers-head', HTMLHeadingElement).textContent = 'Who calls ' + view.fn;
  element('callees-head', HTMLHeadingElement).textContent = 'What ' + view.fn + ' calls';
}

function search() {
  let error = '';
  for (const side of shownSides()) {
    const result = matchNames(panes[side].data.names, view.pattern);
    panes[side].setMatches(result.matches);
    error = result.error;
  }
  found.classList.toggle('bad', Boolean(error));
  found.textContent = error || countFound();
  refresh();
}

function countFound() {
  if (!view.pattern) return '';
  const hits = shownSides().map((side) => panes[side].hits);
  const count = hits.reduce((sum, h) => sum + h.nodes.length, 0);
  if (!count) return 'no match';
  // What was left out is not searched, so that a share is the least there is.
  const share = shownSides().map((side) => (panes[side].leftOut() ? '≥ ' : '') + formatShare(panes[side].hits.weight, panes[side].whole)).join(' above, ');
  return count + (count === 1 ? ' frame, ' : ' frames, ') + share + (hits.length > 1 ? ' below' : '');
}

function refresh() {
  for (const side of shownSides()) panes[side].refresh();
  crumbs();
  legend();
  updateStatus(active, active.focus);
  tableBox.hidden = !view.table;
  if (view.table) fillTable();
}

function crumbs() {
  const parts = /** @type {(Node|string)[]} */ ([]);
  /** @param {string} text @param {() => void} run */
  const add = (text, run) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = text;
    button.addEventListener('click', run);
    if (parts.length) parts.push(' › ');
    parts.push(button);
  };
  if (view.fn) add('Whole graph', () => sandwich(''));
  for (const side of shownSides()) {
    const pane = panes[side];
    const path = [];
    for (let p = pane.root; p >= 0 && pane.root; p = pane.tree.parent[p]) path.unshift(p);
    for (const node of path) add(pane.nameOf(node), () => choose(pane, node));
  }
  element('crumbs', HTMLElement).replaceChildren(...parts);
}

/** @param {string} colour @param {string} text */
function legendItem(colour, text) {
  const item = document.createElement('li');
  const swatch = document.createElement('span');
  swatch.className = 'swatch';
  swatch.style.background = colour;
  item.append(swatch, text);
  return item;
}

function legend() {
  const pane = panes[view.fn ? 'callees' : 'main'];
  const { colour } = pane.look;
  /** @type {HTMLElement[]} */
  let items = [];
  if (colour === 'change')
    items = [legendItem(changeColour(-1), 'less than in the base (hatched)'), legendItem(changeColour(0), 'the same'), legendItem(changeColour(1), 'more')];
  if (colour === 'package' || colour === 'module' || colour === 'file')
    items = heaviestGroups(pane.data, pane.tree, colour, LEGEND_MAX).map(
      ({ group, value }) => legendItem(groupColour(group, ''), group + ' ' + formatShare(value, pane.tree.gross[0])));
  element('legend', HTMLUListElement).replaceChildren(...items);
  element('legend', HTMLUListElement).hidden = view.table || !items.length;
}

/** @param {AnyPane} pane @param {number} node */
function updateStatus(pane, node) {
  const file = pane.fileOf(node);
  status.textContent = pane.nameOf(node) + ' · ' + pane.describe(node) + (file ? ' · ' + file : '');
}

function fillTable() {
  const captions = { main: 'All frames shown', callers: 'Callers of ' + view.fn, callees: 'Called by ' + view.fn };
  /** @param {import('./table.js').Column} by */
  const sort = (by) => change({ sort: by }, true);
  tableBox.replaceChildren(...shownSides().map((side) => makeTable(panes[side], captions[side], view.sort, sort, sandwich)));
}

// ---- changes of the view ----

/** @param {Partial<import('./address.js').View>} what @param {boolean} replace instead of a step that back undoes */
function change(what, replace) {
  view = { ...view, ...what };
  // A page from a file may change no more of its address than what is after #.
  const search = served ? pivotSearch(location.search, view.fn) : location.search;
  const hash = viewHash(view, data);
  if (search !== location.search || hash !== (location.hash || '#')) {
    const address = search === location.search ? hash : location.pathname + search + hash;
    if (replace) history.replaceState(null, '', address);
    else history.pushState(null, '', address);
  }
  carryLook();
  return show();
}

/** Filters and the like leave how things are shown as it is: their links carry it. */
function carryLook() {
  for (const link of document.querySelectorAll('nav.pages a'))
    if (link instanceof HTMLAnchorElement && link.pathname === location.pathname) link.hash = lookHash(view, data);
}

/** Shows a frame alone, and what was left out below it; of a "… more" what is in it. @param {AnyPane} pane @param {number} node */
function choose(pane, node) {
  pane.focus = node;
  showAlone(pane, node, false);
}

/** @param {AnyPane} pane @param {number} node @param {boolean} replace */
function showAlone(pane, node, replace) {
  const side = sideOf(pane);
  const id = pane.data.id[node];
  const part = view.parts[side];
  const isGroup = pane.isGroup(node);
  if (isGroup && !served) {
    status.textContent = 'This page holds no more. Open the profile with sonde pprof -http to see what is in it.';
    return;
  }
  const wanted = served && !part.open.includes(id) && (isGroup || (node > 0 && hasMore(pane.data, node, pane.tree.end[node])));
  const changed = { zoom: isGroup ? part.zoom : node ? id : 0, open: wanted ? [...part.open, id] : part.open };
  change({ parts: { ...view.parts, [side]: changed } }, replace);
}

/** Callers and callees of a function; '': the whole graph again. @param {string} fn */
function sandwich(fn) {
  const parts = { ...view.parts, callers: wholePart(), callees: wholePart() };
  change({ fn, parts, pattern: '' }, false);
}

function reset() {
  change({ pattern: '', fn: '', parts: { main: wholePart(), callers: wholePart(), callees: wholePart() } }, false);
}

/** @param {number} step */
function nextMatch(step) {
  const pane = active.hits.nodes.length ? active : panes[shownSides().find((side) => panes[side].hits.nodes.length) ?? shownSides()[0]];
  pane.nextMatch(step);
}

function changeTheme() {
  toggleTheme();
  refresh();
}

/** @param {string} pattern */
function setPattern(pattern) {
  change({ pattern }, true);
}

// ---- the mouse ----

/** @param {string} tag @param {string} text */
function tipLine(tag, text) {
  const line = document.createElement(tag);
  line.textContent = text;
  return line;
}

/** @param {AnyPane} pane @param {number} node @param {MouseEvent | null} event */
function hover(pane, node, event) {
  tip.hidden = node < 0 || !event;
  if (tip.hidden || !event) return updateStatus(active, active.focus);
  updateStatus(pane, node);
  tip.replaceChildren(tipLine('b', pane.labelOf(node)), tipLine('span', pane.describe(node)), tipLine('span', pane.fileOf(node)));
  const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 18;
  tip.style.left = Math.max(4, left) + 'px';
  tip.style.top = (below + tip.offsetHeight < window.innerHeight ? below : event.clientY - tip.offsetHeight - 10) + 'px';
}

// ---- the menu of a frame ----

/** @param {AnyPane} pane @param {number} node @param {number} x @param {number} y */
function frameMenu(pane, node, x, y) {
  const name = pane.nameOf(node);
  const isGroup = pane.isGroup(node);
  tip.hidden = true;
  /** @type {import('../common/menu.js').Entry[]} */
  const entries = [{ label: isGroup ? 'Show what is in it' : 'Show it alone', run: () => choose(pane, node) }];
  if (!isGroup && node) entries.push({ label: 'Callers and callees', run: () => sandwich(name) });
  entries.push(null,
    { label: 'Copy the name', run: () => copy('Name', name) },
    { label: 'Copy the stack', run: () => copy('Stack', pane.stackOf(node).join('\n')) },
    { label: 'Copy as a row of text', run: () => copy('Row', rowText(pane, node)) });
  if (served && !isGroup && node) entries.push(null, ...functionEntries(name, lookHash(view, data)));
  openMenu('Frame ' + name, entries, x, y);
}

/** @param {AnyPane} pane @param {number} node */
function rowText(pane, node) {
  const { self, total } = pane.tree;
  return [pane.print(self[node]), formatShare(self[node], pane.whole), pane.print(total[node]), formatShare(total[node], pane.whole),
    pane.labelOf(node)].join('\t');
}

/** @param {string} what @param {string} text */
function copy(what, text) {
  if (!navigator.clipboard) {
    status.textContent = 'This browser gives a page from a file no clipboard.';
    return;
  }
  navigator.clipboard.writeText(text).then(
    () => { status.textContent = what + ' copied.'; },
    (e) => { status.textContent = 'Could not copy: ' + e; });
}

function sandwichOfFocus() {
  if (active.focus && !active.isGroup(active.focus)) sandwich(active.nameOf(active.focus));
}

// ---- exports ----

/** @param {Blob} blob @param {string} extension */
function download(blob, extension) {
  const link = document.createElement('a');
  const url = URL.createObjectURL(blob);
  link.href = url;
  link.download = (data.title.replace(/[^\w.-]+/g, '-') || 'profile') + '.' + extension;
  link.click();
  URL.revokeObjectURL(url);
}

function pictures() {
  return shownSides().map((side) => panes[side].picture(true));
}

function pictureTitle() {
  return [data.title, data.types[view.type].name, view.fn && 'callers and callees of ' + view.fn].filter(Boolean).join(' · ');
}

function exportSvg() {
  download(new Blob([makeSvg(pictureTitle(), pictures(), themeInks())], { type: 'image/svg+xml' }), 'svg');
}

function exportPng() {
  makePng(pictureTitle(), pictures(), themeInks()).then(
    (blob) => download(blob, 'png'), (e) => complain('Could not make the picture: ' + e.message));
}

function exportFolded() {
  const text = shownSides().map((side) => folded(panes[side].data, view.type)).join('');
  download(new Blob([text], { type: 'text/plain' }), 'folded');
}

/** The page with what was left out of this one, and showing what this one shows. */
async function exportHtml() {
  const response = await fetch(linkTo('export', 'format', 'html', false, ''));
  const text = await response.text();
  if (!response.ok) return complain('Could not make the page: ' + text.trim());
  // Frames have other numbers there: what is asked of them stays behind.
  const shown = viewHash({ ...view, parts: { main: wholePart(), callers: wholePart(), callees: wholePart() } }, data);
  const start = 'id="data">{';
  download(new Blob([text.replace(start, () => start + '"view":' + JSON.stringify(shown) + ',')], { type: 'text/html' }), 'html');
}

/** What only the server has whole. */
function serverExports() {
  const list = element('export-menu', HTMLDetailsElement).querySelector('div');
  if (!list) return;
  for (const [format, text] of [['folded', 'All stacks as text (folded)'], ['pb', 'Profile, filtered (.pb.gz)']]) {
    const link = document.createElement('a');
    link.textContent = text;
    link.id = 'export-all-' + format;
    link.href = linkTo('export', 'format', format, false, '');
    link.setAttribute('download', '');
    list.append(link);
  }
  element('export-html', HTMLButtonElement).hidden = false;
}

// ---- the keyboard ----

/** @type {Record<string, () => void>} */
const keys = {
  Enter: () => choose(active, active.focus),
  Escape: reset,
  0: reset,
  Backspace: () => history.back(),
  ArrowLeft: () => active.moveBeside(-1),
  ArrowRight: () => active.moveBeside(1),
  ArrowDown: () => (active.upward ? active.moveOut() : active.moveIn()),
  ArrowUp: () => (active.upward ? active.moveIn() : active.moveOut()),
  '/': () => { searchBox.focus(); searchBox.select(); },
  n: () => nextMatch(1),
  N: () => nextMatch(-1),
  c: () => copy('Name', active.nameOf(active.focus)),
  C: () => copy('Stack', active.stackOf(active.focus).join('\n')),
  y: () => copy('Row', rowText(active, active.focus)),
  '+': () => active.zoomTowards(active.focus),
  '=': () => active.zoomTowards(active.focus),
  '-': () => active.zoomOut(),
  m: () => active.askedByKey(),
  ContextMenu: () => active.askedByKey(),
  s: sandwichOfFocus,
  i: () => { if (!view.fn) change({ flipped: !view.flipped }, true); },
  o: () => change({ order: view.order === 'name' ? 'value' : 'name' }, true),
  r: () => change({ collapsed: !view.collapsed }, true),
  t: () => change({ table: !view.table }, false),
  d: changeTheme,
  '?': () => help.showModal(),
};

/** @param {KeyboardEvent} event */
function searchKey(event) {
  if (event.key === 'Enter') nextMatch(event.shiftKey ? -1 : 1);
  if (event.key === 'Escape') active.items.focus();
}

/** @param {KeyboardEvent} event */
function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const target = event.target;
  if (target === searchBox) return searchKey(event);
  if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
  const onControl = target instanceof HTMLElement && target.closest('button, a, summary');
  if (onControl && (event.key === 'Enter' || event.key.startsWith('Arrow'))) return;
  const action = keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

// ---- start ----

/** @param {string} id @param {() => void} action */
function onClick(id, action) {
  element(id, HTMLButtonElement).addEventListener('click', action);
}

function listen() {
  searchBox.addEventListener('input', () => setPattern(searchBox.value));
  typeBox.addEventListener('change', () => change({ type: Number(typeBox.value) }, true));
  orderBox.addEventListener('change', () => change({ order: orderBox.value === 'name' ? 'name' : 'value' }, true));
  colourBox.addEventListener('change', () => change({ colour: SCHEMES.find(([name]) => name === colourBox.value)?.[0] ?? '' }, true));
  collapseBox.addEventListener('change', () => change({ collapsed: collapseBox.checked }, true));
  normalBox.addEventListener('change', () => change({ normal: normalBox.checked }, true));
  onClick('next', () => nextMatch(1));
  onClick('previous', () => nextMatch(-1));
  onClick('reset', reset);
  onClick('flip', keys.i);
  onClick('table-button', keys.t);
  onClick('theme', changeTheme);
  onClick('export-svg', exportSvg);
  onClick('export-png', exportPng);
  onClick('export-folded', exportFolded);
  onClick('export-html', exportHtml);
  onClick('help-button', () => help.showModal());
  document.addEventListener('keydown', key);
  window.addEventListener('resize', () => {
    for (const side of shownSides()) panes[side].resize();
    refresh();
  });
  window.addEventListener('popstate', () => {
    view = addressedView();
    carryLook();
    show();
  });
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', refresh);
}

function start() {
  applyTheme();
  document.title = (data.title ? data.title + ' – ' : '') + 'flame graph';
  element('title', HTMLHeadingElement).textContent = data.title || 'flame graph';
  element('labels', HTMLParagraphElement).textContent = data.labels.join(' · ');
  data.types.forEach((type, i) => typeBox.add(new Option(type.name, String(i))));
  for (const [name, text] of SCHEMES) if (name !== 'change' || isDiff(data, view.type)) colourBox.add(new Option(text.toLowerCase(), name));
  element('normal-label', HTMLLabelElement).hidden = !data.base;
  // A server's pages all have the sample type in their navigation.
  element('type-label', HTMLLabelElement).hidden = served || data.types.length < 2;
  for (const id of ['view-menu', 'export-menu']) makeDisclosure(element(id, HTMLDetailsElement));
  if (served) serverExports();
  listen();
  carryLook();
  show();
  if (served) startConfigs();
}

start();
