// @ts-check
// Trees made from trees: other orders, recursion collapsed, callers and callees of a function, parts
// that came later. All take columns in preorder and give new ones, so that a view is its source and
// what was done to it, and going back is making it anew. (Rejected: changing the tree in place, which
// makes every way back a case of its own.)

import { makeTree, addUp } from './model.js';

/** @typedef {import('./model.js').Columns} Columns */
/** @typedef {Columns & {id: number[]}} Numbered */

/** Gives every node a number: the server's, or its place in the data. @param {Columns} data @returns {Numbered} */
export function numbered(data) {
  return { ...data, id: data.id ?? data.depth.map((_, i) => i) };
}

/** All columns of values. @param {Columns} data @returns {number[][]} */
function valuesOf(data) {
  return data.base ? data.self.concat(data.base) : data.self;
}

/** Those columns, as the members they are. @param {Columns} like @param {number[][]} values */
function asMembers(like, values) {
  const types = like.self.length;
  return like.base ? { self: values.slice(0, types), base: values.slice(types) } : { self: values };
}

/** The nodes at `at`, in that order. @param {Numbered} from @param {ArrayLike<number>} at @returns {Numbered} */
function take(from, at) {
  /** @param {number[]} column */
  const pick = (column) => Array.from(at, (i) => column[i]);
  return {
    names: from.names, files: from.files,
    depth: pick(from.depth), name: pick(from.name), file: pick(from.file), module: pick(from.module), inlined: pick(from.inlined),
    more: pick(from.more), id: pick(from.id), ...asMembers(from, valuesOf(from).map(pick)),
  };
}

/** @typedef {'value' | 'name'} Order */

/**
 * Siblings heaviest first or by name; what stands for others is last in both.
 * @param {Numbered} data @param {number} type @param {Order} order @param {number} [scale] see makeTree() @returns {Numbered}
 */
export function reorder(data, type, order, scale = 1) {
  const tree = makeTree(data, type, scale);
  /** @param {number} i */
  const nameOf = (i) => data.names[data.name[i]];
  /** @type {(a: number, b: number) => number} */
  const compare = (a, b) => {
    if (data.name[a] < 0 || data.name[b] < 0) return data.name[b] - data.name[a];
    const by = order === 'name' ? 0 : tree.gross[b] - tree.gross[a];
    if (by) return by;
    return nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : a - b;
  };
  const walk = [];
  const open = [0];
  while (open.length) {
    const node = /** @type {number} */ (open.pop());
    walk.push(node);
    const children = [];
    for (let c = node + 1; c < tree.end[node]; c = tree.end[c]) children.push(c);
    open.push(...children.sort(compare).reverse());
  }
  return take(data, walk);
}

/** Collects nodes of a tree into another in which siblings of one place are one. */
class Merger {
  /** @param {Numbered} from @param {number} root a node of `from` */
  constructor(from, root) {
    this.from = from;
    this.values = valuesOf(from);
    /** @type {{at: number, children: Map<string, number>, sums: number[]}[]} */
    this.nodes = [];
    this.root = this.add(root);
  }

  /** @param {number} at */
  add(at) {
    return this.nodes.push({ at, children: new Map(), sums: this.values.map(() => 0) }) - 1;
  }

  /** @param {number} parent @param {number} at @returns {number} */
  child(parent, at) {
    const { name, file, inlined, id } = this.from;
    const key = name[at] < 0 ? 'more ' + id[at] : name[at] + ' ' + file[at] + ' ' + inlined[at];
    const known = this.nodes[parent].children.get(key);
    if (known !== undefined) return known;
    const made = this.add(at);
    this.nodes[parent].children.set(key, made);
    return made;
  }

  /** @param {number} node @param {ArrayLike<number>[]} columns @param {number} at */
  addValues(node, columns, at) {
    const { sums } = this.nodes[node];
    columns.forEach((column, i) => { sums[i] += column[at]; });
  }

  /** @returns {Numbered} */
  finish() {
    const walk = /** @type {number[]} */ ([]);
    const depths = [];
    const open = [{ node: this.root, depth: 0 }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { node, depth } = next;
      walk.push(node);
      depths.push(depth);
      const children = [...this.nodes[node].children.values()].reverse();
      for (const c of children) open.push({ node: c, depth: depth + 1 });
    }
    const taken = take(this.from, walk.map((node) => this.nodes[node].at));
    const values = this.values.map((_, i) => walk.map((node) => this.nodes[node].sums[i]));
    return { ...taken, depth: depths, ...asMembers(this.from, values) };
  }
}

/** A function that calls itself directly is one frame. @param {Numbered} data @returns {Numbered} */
export function collapseRecursion(data) {
  const { parent, n } = makeTree(data, 0);
  const merger = new Merger(data, 0);
  const target = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const above = i ? target[parent[i]] : merger.root;
    const same = i > 0 && data.name[i] >= 0 && data.name[i] === data.name[parent[i]] && data.file[i] === data.file[parent[i]];
    target[i] = i === 0 || same ? above : merger.child(above, i);
    merger.addValues(target[i], merger.values, i);
  }
  return merger.finish();
}

/** Nodes of the name that are in no other of the name. @param {Columns} data @param {Int32Array} end @param {number} name */
function outermost(data, end, name) {
  const nodes = [];
  for (let i = 0; i < data.name.length;) {
    if (data.name[i] === name) nodes.push(i);
    i = data.name[i] === name ? end[i] : i + 1;
  }
  return nodes;
}

/**
 * What a function calls, wherever it stands, and who calls it, nearest first: what the server's
 * sandwich.json holds, for a page that has no server. Null: no such function.
 * @param {Numbered} data @param {string} name @returns {{callers: Numbered, callees: Numbered} | null}
 */
export function around(data, name) {
  const { parent, end } = makeTree(data, 0);
  const known = data.names.indexOf(name);
  const found = known < 0 ? [] : outermost(data, end, known);
  if (!found.length) return null;
  const callees = new Merger(data, found[0]);
  const callers = new Merger(data, found[0]);
  const sums = valuesOf(data).map((column) => addUp(parent, Float64Array.from(column)));
  const target = new Int32Array(data.name.length);
  for (const root of found) {
    for (let i = root; i < end[root]; i++) {
      target[i] = i === root ? callees.root : callees.child(target[parent[i]], i);
      callees.addValues(target[i], callees.values, i);
    }
    let at = callers.root;
    for (let p = parent[root]; p > 0; p = parent[p]) at = callers.child(at, p);
    callers.addValues(at, sums, root);
  }
  return { callers: callers.finish(), callees: callees.finish() };
}

/** Indexes of strings in a longer table. @param {string[]} table @param {string[]} strings */
function intern(table, strings) {
  const known = new Map(table.map((s, i) => [s, i]));
  return strings.map((s) => {
    const at = known.get(s);
    if (at !== undefined) return at;
    known.set(s, table.length);
    return table.push(s) - 1;
  });
}

/**
 * Puts a part that was asked for by number in the place it belongs: below that frame, or instead of
 * that "… more". A number that is not there changes nothing.
 * @param {Numbered} data @param {number} id @param {Numbered} part @returns {Numbered}
 */
export function graft(data, id, part) {
  const at = data.id.indexOf(id);
  if (at < 0) return data;
  const isGroup = data.name[at] < 0;
  const names = data.names.slice();
  const files = data.files.slice();
  const nameAt = intern(names, part.names);
  const fileAt = intern(files, part.files);
  const end = makeTree(data, 0).end[at];
  const from = isGroup ? 1 : 0;
  const partValues = valuesOf(part);
  const shift = data.depth[at] - from;
  /** @param {number[]} old @param {number[]} fresh @param {(value: number) => number} [change] */
  const splice = (old, fresh, change) => {
    const inner = fresh.slice(from);
    return old.slice(0, at).concat(change ? inner.map(change) : inner, old.slice(end));
  };
  const spliced = {
    names, files,
    depth: splice(data.depth, part.depth, (d) => d + shift),
    name: splice(data.name, part.name, (i) => (i < 0 ? i : nameAt[i])),
    file: splice(data.file, part.file, (i) => (i < 0 ? i : fileAt[i])),
    module: splice(data.module, part.module, (i) => (i < 0 ? i : fileAt[i])),
    inlined: splice(data.inlined, part.inlined), more: splice(data.more, part.more), id: splice(data.id, part.id),
    ...asMembers(data, valuesOf(data).map((old, i) => splice(old, partValues[i]))),
  };
  // The root of a part does not know into what it is inlined.
  if (!isGroup) spliced.inlined[at] = data.inlined[at];
  return spliced;
}

/** Whether anything was left out below the node. @param {Columns} data @param {number} node @param {number} end */
export function hasMore(data, node, end) {
  for (let i = node; i < end; i++) if (data.name[i] < 0) return true;
  return false;
}

/** One line a stack: "main;work 12". @param {Columns} data @param {number} type */
export function folded(data, type) {
  /** @type {string[]} */
  const path = [];
  let text = '';
  for (let i = 0; i < data.name.length; i++) {
    path.length = data.depth[i];
    path.push(data.name[i] < 0 ? '… ' + data.more[i] + ' more' : data.names[data.name[i]].replace(/[;\n]/g, ':'));
    const value = data.self[type][i];
    if (value) text += (path.length > 1 ? path.slice(1) : path).join(';') + ' ' + value + '\n';
  }
  return text;
}
