// @ts-check
// The view in the part of the address after #, so that back, bookmarks and sent links work. What
// makes the report (filters, sample type) is in the query and is the server's. One parameter of the query
// is the page's: p, google/pprof's pivot, so that its links open here on the same function and ours there.

/** @typedef {'main' | 'callers' | 'callees'} Side */

/**
 * @typedef {Object} Part What is looked at in one tree, by the numbers of frames.
 * @property {number} zoom the frame that fills the width
 * @property {number[]} open what more was asked for, in that order
 *
 * @typedef {Object} View
 * @property {number} type
 * @property {import('./shape.js').Order} order
 * @property {import('./colour.js').Scheme | ''} colour '': what suits the profile
 * @property {boolean} flipped
 * @property {boolean} collapsed
 * @property {boolean} normal a diff's sides have the same total
 * @property {boolean} table
 * @property {import('./table.js').Column} sort
 * @property {string} pattern
 * @property {string} fn the function whose callers and callees are shown; '': the whole graph
 * @property {Record<Side, Part>} parts
 */

import { SCHEMES } from './colour.js';
import { makeTree, tableRows } from './model.js';
import { quoteName } from '../common/links.js';

const PREFIX = /** @type {Record<Side, string>} */ ({ main: '', callers: 'c', callees: 'e' });
export const SIDES = /** @type {Side[]} */ (['main', 'callers', 'callees']);
const OPEN_MAX = 60;

/** @returns {Part} */
export function wholePart() {
  return { zoom: 0, open: [] };
}

/** @param {string | null} text */
function toNumber(text) {
  const number = Number(text ?? '');
  return Number.isSafeInteger(number) ? number : 0;
}

/** @param {URLSearchParams} params @param {string} prefix @returns {Part} */
function readPart(params, prefix) {
  const open = (params.get(prefix + 'x') ?? '').split(',').map(toNumber).filter((id) => id !== 0);
  return { zoom: toNumber(params.get(prefix + 'z')), open: open.slice(0, OPEN_MAX) };
}

/** @param {string} hash @param {import('./model.js').PageHead} head @returns {View} */
export function readView(hash, head) {
  const params = new URLSearchParams(hash.replace(/^#/, ''));
  const type = toNumber(params.get('si') ?? String(head.type));
  const scheme = SCHEMES.find(([name]) => name === params.get('colour'));
  const sort = params.get('sort');
  return {
    type: head.types[type] ? type : head.type,
    order: params.get('order') === 'name' ? 'name' : 'value',
    colour: scheme ? scheme[0] : '',
    flipped: params.get('flip') === '1',
    collapsed: params.get('rec') === '1',
    normal: params.get('norm') === '1',
    table: params.get('view') === 'table',
    sort: sort === 'cum' || sort === 'name' ? sort : 'flat',
    pattern: params.get('q') ?? '',
    fn: params.get('fn') ?? '',
    parts: { main: readPart(params, PREFIX.main), callers: readPart(params, PREFIX.callers), callees: readPart(params, PREFIX.callees) },
  };
}

/** How things are shown, whatever is shown: it outlives a change of filters. @param {View} view @param {import('./model.js').PageHead} head */
function lookParams(view, head) {
  const params = new URLSearchParams();
  if (view.pattern) params.set('q', view.pattern);
  if (view.type !== head.type) params.set('si', String(view.type));
  if (view.order !== 'value') params.set('order', view.order);
  if (view.colour) params.set('colour', view.colour);
  if (view.flipped) params.set('flip', '1');
  if (view.collapsed) params.set('rec', '1');
  if (view.normal) params.set('norm', '1');
  if (view.table) params.set('view', 'table');
  if (view.sort !== 'flat') params.set('sort', view.sort);
  return params;
}

/** @param {View} view @param {import('./model.js').PageHead} head */
export function lookHash(view, head) {
  return lookParams(view, head).toString();
}

/** @param {View} view @param {import('./model.js').PageHead} head */
export function viewHash(view, head) {
  const params = lookParams(view, head);
  if (view.fn) params.set('fn', view.fn);
  for (const side of SIDES) {
    const part = view.parts[side];
    if (part.zoom) params.set(PREFIX[side] + 'z', String(part.zoom));
    if (part.open.length) params.set(PREFIX[side] + 'x', part.open.slice(-OPEN_MAX).join(','));
  }
  return '#' + params.toString();
}

/** The name an expression stands for, if it is one with its signs quoted. @param {string} pattern */
function quotedName(pattern) {
  const name = pattern.replace(/^\^/, '').replace(/\$$/, '').replace(/\\([\\.+*?()|[\]{}^$])/g, '$1');
  return [quoteName(name), quoteName(name).slice(1, -1)].includes(pattern) ? name : '';
}

/** @param {string} pattern */
function expression(pattern) {
  try {
    return new RegExp(pattern);
  } catch {
    return null;
  }
}

/**
 * The function a query pivots on: the very name, which may be among what was left out of the page,
 * else the heaviest that matches. An expression without any stands for itself, so that the page says so.
 * @param {string} search @param {import('./model.js').PageData} data
 */
export function readPivot(search, data) {
  const pattern = new URLSearchParams(search).get('p') ?? '';
  const re = expression(pattern);
  if (!pattern || !re) return pattern;
  const name = quotedName(pattern);
  if (data.names.includes(name)) return name;
  const matches = tableRows(makeTree(data, data.type), data.name, data.names.length).filter((row) => re.test(data.names[row.name]));
  matches.sort((a, b) => Math.abs(b.cum) - Math.abs(a.cum));
  return matches.length ? data.names[matches[0].name] : name || pattern;
}

/** @param {string} search @param {string} fn '': no pivot @returns {string} the query with it, otherwise as it was */
export function pivotSearch(search, fn) {
  const params = new URLSearchParams(search);
  if ((params.get('p') ?? '') === (fn && quoteName(fn))) return search;
  if (fn) params.set('p', quoteName(fn));
  else params.delete('p');
  return params.size ? '?' + params.toString() : '';
}
