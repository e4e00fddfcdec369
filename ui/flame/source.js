// @ts-check
// Where trees come from: the page itself and, if it was served, its server, which holds what the page
// left out. A page from a file makes what it can of what it has.

import { numbered, graft, around } from './shape.js';

/** @typedef {import('./shape.js').Numbered} Numbered */
/** @typedef {import('./address.js').Side} Side */
/** @typedef {import('./address.js').View} View */

const KEPT_MAX = 30; // answers

/** @type {Map<string, Promise<any>>} */
const answers = new Map();

/** What makes the report: not what is shown of it. */
function reportQuery() {
  const query = new URLSearchParams(location.search);
  query.delete('p');
  return query;
}

/** @param {string} path @param {Record<string, string>} params */
async function load(path, params) {
  const query = reportQuery();
  for (const [name, value] of Object.entries(params)) query.set(name, value);
  const response = await fetch(path + '?' + query.toString());
  if (!response.ok) throw new Error((await response.text()).trim() || response.statusText);
  return response.json();
}

/** The answer, asked for once. @param {string} path @param {Record<string, string>} params @returns {Promise<any>} */
function ask(path, params) {
  const key = JSON.stringify([path, reportQuery().toString(), params]);
  const known = answers.get(key);
  if (known) return known;
  const asked = load(path, params);
  asked.catch(() => answers.delete(key));
  answers.set(key, asked);
  const oldest = answers.keys().next().value;
  if (answers.size > KEPT_MAX && oldest !== undefined) answers.delete(oldest);
  return asked;
}

/** @param {import('./model.js').PageData} data */
export function isServed(data) {
  return data.id !== undefined;
}

/** @param {Numbered} tree @param {number[]} open @param {string} path @param {Record<string, string>} params */
async function opened(tree, open, path, params) {
  const parts = await Promise.all(open.map((id) => ask(path, { ...params, node: String(id) })));
  return parts.reduce((whole, part, i) => graft(whole, open[i], numbered(part)), tree);
}

/** @param {import('./model.js').PageData} data @param {View} view @returns {Promise<Record<string, Numbered>>} */
async function servedSources(data, view) {
  if (!view.fn) return { main: await opened(numbered(data), view.parts.main.open, 'flame.json', {}) };
  const both = await ask('sandwich.json', { fn: view.fn });
  const [callers, callees] = await Promise.all(/** @type {const} */ (['callers', 'callees']).map(
    (side) => opened(numbered(both[side]), view.parts[side].open, 'sandwich.json', { fn: view.fn, side })));
  return { callers, callees };
}

/** The trees that a view shows, by side. @param {import('./model.js').PageData} data @param {View} view @returns {Promise<Record<string, Numbered>>} */
export async function loadSources(data, view) {
  if (isServed(data)) return servedSources(data, view);
  const whole = numbered(data);
  if (!view.fn) return { main: whole };
  const both = around(whole, view.fn);
  if (!both) throw new Error('no function of that name in the graph: ' + view.fn);
  return both;
}
