// @ts-check
// The table twin of a picture: the same functions with flat and cumulative values, to be sorted.

import { tableRows, formatShare } from './model.js';

const ROWS_MAX = 500;

/** @typedef {'flat' | 'cum' | 'name'} Column */

/** @param {import('./pane.js').Pane} pane @param {Column} by */
function sortedRows(pane, by) {
  const { names } = pane.data;
  const rows = tableRows(pane.tree, pane.data.name, names.length);
  if (by === 'cum') rows.sort((a, b) => Math.abs(b.cum) - Math.abs(a.cum));
  if (by === 'name') rows.sort((a, b) => (names[a.name] < names[b.name] ? -1 : 1));
  return rows;
}

/** @param {HTMLTableRowElement} head @param {Column} column @param {string} text @param {boolean} chosen @param {() => void} sort */
function addHead(head, column, text, chosen, sort) {
  const th = document.createElement('th');
  const button = document.createElement('button');
  th.scope = 'col';
  if (chosen) th.setAttribute('aria-sort', column === 'name' ? 'ascending' : 'descending');
  button.type = 'button';
  button.textContent = text + (chosen ? ' ▾' : '');
  button.addEventListener('click', sort);
  th.append(button);
  head.append(th);
  if (column === 'name') return;
  const share = document.createElement('th');
  share.scope = 'col';
  share.textContent = text + '%';
  head.append(share);
}

/** How much of all is shown, so that nobody takes a part for the whole. @param {import('./pane.js').Pane} pane @param {number} rows */
function extent(pane, rows) {
  const functions = rows > ROWS_MAX ? `the first ${ROWS_MAX} of ${rows} functions` : `${rows} functions`;
  const left = pane.leftOut();
  return functions + (left ? `; ${pane.print(left)} (${formatShare(left, pane.whole)}) is in frames left out of the picture` : '');
}

/**
 * @param {import('./pane.js').Pane} pane @param {string} caption @param {Column} by
 * @param {(by: Column) => void} sort @param {(name: string) => void} choose
 */
export function makeTable(pane, caption, by, sort, choose) {
  const table = document.createElement('table');
  const rows = sortedRows(pane, by);
  table.createCaption().textContent = caption + ': ' + extent(pane, rows.length);
  const head = table.createTHead().insertRow();
  addHead(head, 'flat', 'Flat', by === 'flat', () => sort('flat'));
  addHead(head, 'cum', 'Cum', by === 'cum', () => sort('cum'));
  addHead(head, 'name', 'Name', by === 'name', () => sort('name'));
  const body = table.createTBody();
  for (const row of rows.slice(0, ROWS_MAX)) {
    const tr = body.insertRow();
    const name = pane.data.names[row.name];
    for (const value of [row.flat, row.cum]) {
      tr.insertCell().textContent = pane.print(value);
      tr.insertCell().textContent = formatShare(value, pane.whole);
    }
    if (pane.matches && pane.matches[row.name]) tr.className = 'found';
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = name;
    button.addEventListener('click', () => choose(name));
    tr.insertCell().append(button);
  }
  return table;
}
