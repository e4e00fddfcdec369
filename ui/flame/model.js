// @ts-check
// The flame graph's data: parents, sums and places of frames, searching them, printing their values.
// Pure functions over columns; nothing here touches the page, so that node can test it.

/**
 * @typedef {Object} Type A sample type.
 * @property {string} name
 * @property {string} unit
 *
 * @typedef {Object} Columns A tree in preorder, root first. src/report/flame_json.c writes it.
 * @property {string[]} names
 * @property {string[]} files
 * @property {number[]} depth of each node
 * @property {number[]} name index in names; -1: a node that stands for `more` others
 * @property {number[]} file index in files; -1: none
 * @property {number[]} module index in files: the program or library; -1: none
 * @property {number[]} inlined 1: inlined into its parent
 * @property {number[]} more how many frames a "… more" node stands for
 * @property {number[]} [id] the number by which a server knows the node
 * @property {number[][]} self by type, by node
 * @property {number[][]} [base] of a diff: what was there before, by type, by node; self is less that
 *
 * @typedef {Object} PageHead What the page says beside the tree.
 * @property {string} title
 * @property {string[]} labels header lines
 * @property {Type[]} types
 * @property {number} type the one shown first
 * @property {string} [view] what an exported page shows first, as in the address
 *
 * @typedef {Columns & PageHead} PageData
 *
 * @typedef {Object} Tree
 * @property {number} n
 * @property {Int32Array} parent
 * @property {Int32Array} depth
 * @property {Int32Array} end one past the last node of the subtree
 * @property {Float64Array} self
 * @property {Float64Array} total
 * @property {Float64Array} gross of magnitudes, so that what a diff took away takes room too
 * @property {Float64Array | null} before of a diff, if it is known: totals of the base
 * @property {Float64Array} start where it begins among its siblings, in units of gross from 0
 * @property {number} whole what 100 % is
 * @property {boolean} isDiff
 * @property {number} maxDepth
 */

/** Adds what is below each node to it. @param {Int32Array} parent @param {Float64Array} sums */
export function addUp(parent, sums) {
  for (let i = sums.length - 1; i > 0; i--) sums[parent[i]] += sums[i];
  return sums;
}

/** Whether the values are what changed. @param {Columns} data @param {number} type */
export function isDiff(data, type) {
  return Boolean(data.base) || data.self[type].some((value) => value < 0);
}

/** By what the values of a diff are to be multiplied for both sides to have the same total. @param {Columns} data @param {number} type */
export function normalScale(data, type) {
  if (!data.base) return 1;
  const before = data.base[type].reduce((sum, value) => sum + value, 0);
  const after = before + data.self[type].reduce((sum, value) => sum + value, 0);
  return before > 0 && after > 0 ? before / after : 1;
}

/**
 * Values of nodes by themselves: what is shown of them, and how wide they are.
 * @param {Columns} data @param {number} type @param {number} scale
 */
function ownValues(data, type, scale) {
  const self = Float64Array.from(data.self[type]);
  const base = data.base && data.base[type];
  if (!base) return { self, gross: self.map(Math.abs), before: null };
  const after = self.map((value, i) => (value + base[i]) * scale);
  return {
    self: after.map((value, i) => value - base[i]),
    gross: after.map((value, i) => Math.abs(value) + Math.abs(base[i])),
    before: Float64Array.from(base),
  };
}

/**
 * Builds parents, subtree ends, sums and positions for one sample type.
 * @param {Columns} data
 * @param {number} type
 * @param {number} [scale] of what a diff compares with its base
 * @returns {Tree}
 */
export function makeTree(data, type, scale = 1) {
  const n = data.depth.length;
  const parent = new Int32Array(n);
  const end = new Int32Array(n);
  const depth = Int32Array.from(data.depth);
  const { self, gross, before } = ownValues(data, type, scale);
  const start = new Float64Array(n);
  /** @type {number[]} */
  const path = [];
  let maxDepth = 0;
  for (let i = 0; i < n; i++) {
    const d = depth[i];
    while (path.length > d) end[/** @type {number} */ (path.pop())] = i;
    parent[i] = d ? path[d - 1] : -1;
    path.push(i);
    if (d > maxDepth) maxDepth = d;
  }
  while (path.length) end[/** @type {number} */ (path.pop())] = n;
  const total = addUp(parent, self.slice());
  addUp(parent, gross);
  if (before) addUp(parent, before);
  const next = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const p = parent[i];
    if (p < 0) continue;
    start[i] = start[p] + next[p];
    next[p] += gross[i];
    next[i] = 0;
  }
  const whole = before && before[0] ? before[0] : isDiff(data, type) ? gross[0] : total[0];
  return { n, parent, depth, end, self, total, gross, before, start, whole, isDiff: isDiff(data, type), maxDepth };
}

/**
 * The frames to draw when `root` fills the width: x and w in pixels. Frames narrower than `least`
 * are left out with all that is in them.
 * @param {Tree} tree
 * @param {number} root
 * @param {number} width
 * @param {number} least
 * @returns {{node: number, x: number, w: number, row: number}[]}
 */
export function layout(tree, root, width, least) {
  const frames = [];
  for (let p = tree.parent[root]; p >= 0; p = tree.parent[p])
    frames.push({ node: p, x: 0, w: width, row: tree.depth[p] });
  const whole = tree.gross[root];
  if (!whole) return frames;
  const scale = width / whole;
  const from = tree.start[root];
  for (let i = root; i < tree.end[root];) {
    const w = tree.gross[i] * scale;
    if (w < least && i !== root) {
      i = tree.end[i];
      continue;
    }
    frames.push({ node: i, x: (tree.start[i] - from) * scale, w: Math.min(w, width), row: tree.depth[i] });
    i++;
  }
  return frames;
}

/**
 * The names a pattern matches, or the reason why it is none.
 * @param {string[]} names
 * @param {string} pattern
 * @returns {{error: string, matches: Uint8Array | null}}
 */
export function matchNames(names, pattern) {
  if (!pattern) return { error: '', matches: null };
  let re;
  try {
    re = new RegExp(pattern, 'i');
  } catch (e) {
    return { error: e instanceof Error ? e.message : String(e), matches: null };
  }
  const matches = new Uint8Array(names.length);
  for (let i = 0; i < names.length; i++) matches[i] = re.test(names[i]) ? 1 : 0;
  return { error: '', matches };
}

/**
 * Nodes whose name matched, in drawing order, and what they weigh together: a match inside a match
 * counts once.
 * @param {Tree} tree
 * @param {number[]} name
 * @param {Uint8Array | null} matches
 * @returns {{nodes: number[], weight: number}}
 */
export function findMatches(tree, name, matches) {
  const nodes = /** @type {number[]} */ ([]);
  let weight = 0;
  let covered = 0;
  if (!matches) return { nodes, weight };
  for (let i = 0; i < tree.n; i++) {
    if (name[i] < 0 || !matches[name[i]]) continue;
    nodes.push(i);
    if (i < covered) continue;
    weight += tree.total[i];
    covered = tree.end[i];
  }
  return { nodes, weight };
}

/**
 * The table beside the picture: flat and cumulative value by name.
 * @param {Tree} tree
 * @param {number[]} name
 * @param {number} names how many names there are
 * @returns {{name: number, flat: number, cum: number}[]} heaviest flat first
 */
export function tableRows(tree, name, names) {
  const flat = new Float64Array(names);
  const cum = new Float64Array(names);
  const open = new Int32Array(names);
  /** @type {number[]} */
  const path = [];
  for (let i = 0; i < tree.n; i++) {
    while (path.length > tree.depth[i]) {
      const left = /** @type {number} */ (path.pop());
      if (left >= 0) open[left]--;
    }
    const id = name[i];
    path.push(id);
    if (id < 0) continue;
    flat[id] += tree.self[i];
    if (open[id]++ === 0) cum[id] += tree.total[i];
  }
  const rows = [];
  for (let id = 0; id < names; id++)
    if (flat[id] || cum[id]) rows.push({ name: id, flat: flat[id], cum: cum[id] });
  return rows.sort((a, b) => Math.abs(b.flat) - Math.abs(a.flat) || Math.abs(b.cum) - Math.abs(a.cum));
}

const SCALES = /** @type {Record<string, [string, number][]>} */ ({
  nanoseconds: [['ns', 1], ['µs', 1e3], ['ms', 1e6], ['s', 1e9], ['min', 60e9], ['h', 3600e9]],
  bytes: [['B', 1], ['kB', 1024], ['MB', 1048576], ['GB', 1073741824], ['TB', 1099511627776]],
});

/**
 * A value in the largest unit in which it is at least one, as pprof prints it: 1.25s, 512kB.
 * @param {number} value
 * @param {string} unit
 */
export function formatValue(value, unit) {
  const scale = SCALES[unit];
  if (!scale) return value.toLocaleString('en-US') + (unit && unit !== 'count' ? ' ' + unit : '');
  let best = scale[0];
  for (const step of scale) if (Math.abs(value) >= step[1]) best = step;
  const number = value / best[1];
  return String(Math.round(number * 100) / 100) + best[0];
}

/**
 * @param {number} part
 * @param {number} whole
 */
export function formatShare(part, whole) {
  return whole ? ((100 * part) / whole).toFixed(2) + '%' : '0%';
}

/** "a<b>::c(d) const" is "a::c"; a name whose brackets are no pairs stays as it is. @param {string} name */
function withoutBrackets(name) {
  let depth = 0;
  let bare = '';
  for (const c of name.replace(/ const$/, '')) {
    if (c === '>' || c === ')') depth--;
    if (depth < 0) return name;
    if (depth === 0 && c !== '>' && c !== ')' && c !== '<' && c !== '(') bare += c;
    if (c === '<' || c === '(') depth++;
  }
  return depth ? name : bare.replace(/^::/, '');
}

/**
 * A name and ever shorter forms of it that still tell what it is, for frames too narrow for all:
 * "net/http.(*conn).serve", "http.(*conn).serve", "(*conn).serve", "serve".
 * @param {string} name @param {string} file
 */
export function shorterNames(name, file) {
  const forms = [name];
  /** @param {string} form */
  const add = (form) => {
    if (form && form.length < forms[forms.length - 1].length) forms.push(form);
  };
  if (file.endsWith('.go')) {
    add(name.replace(/^[^[(]*\//, ''));
    add(forms[forms.length - 1].replace(/^[^.([]*\./, ''));
    add(forms[forms.length - 1].replace(/^\([^)]*\)\./, ''));
  } else if (!name.includes('operator')) {
    let form = withoutBrackets(name);
    for (add(form); form.includes('::'); add(form)) form = form.slice(form.indexOf('::') + 2);
  }
  return forms;
}
