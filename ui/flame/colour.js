// @ts-check
// What colour a frame has. Ink on frames is dark in both themes, so all colours are light ones: the
// darkest keeps a contrast of more than 5 to 1. The scale of a diff is orange and blue, which the
// colour-blind tell apart as well, over a grey that says "no change".

/** @typedef {import('./model.js').Columns} Columns */
/** @typedef {import('./model.js').Tree} Tree */
/** @typedef {'package' | 'module' | 'file' | 'value' | 'change'} Scheme */

/** @type {[Scheme, string][]} */
export const SCHEMES = [['package', 'Package'], ['module', 'Module'], ['file', 'File'], ['value', 'Value'], ['change', 'Change']];

export const FOUND = 'hsl(276 75% 78%)';
export const GROUP = 'hsl(40 6% 76%)';

/** @param {string} text from 0 to 1 */
function hash(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  h = Math.imul(h ^ (h >>> 15), 2246822519);
  return ((h ^ (h >>> 13)) >>> 0) / 4294967296;
}

/** Without what a name says of types: "a::b<c::d>(e::f)" is "a::b". @param {string} name */
function withoutTypes(name) {
  const open = name.search(/[<(]/);
  return open > 0 ? name.slice(0, open) : name;
}

/** @param {string} path */
function baseName(path) {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * The package a function is of: Go's "net/http" of "net/http.(*Server).Serve", the namespace of C++
 * and Rust, else the folder of its file, or the program or library.
 * @param {string} name @param {string} file @param {string} module
 */
export function packageOf(name, file, module) {
  const bare = withoutTypes(name);
  const scope = bare.lastIndexOf('::');
  if (scope > 0) return bare.slice(0, scope);
  const dot = bare.indexOf('.', bare.lastIndexOf('/') + 1);
  if (file.endsWith('.go') && dot > 0) return bare.slice(0, dot);
  if (!file || file === module) return baseName(module);
  const slash = file.lastIndexOf('/');
  return slash > 0 ? file.slice(0, slash) : file;
}

/** What frames of one colour have in common. @param {Columns} data @param {number} node @param {Scheme} scheme */
export function groupOf(data, node, scheme) {
  /** @param {number} at */
  const path = (at) => (at < 0 ? '' : data.files[at]);
  const module = path(data.module[node]);
  const file = path(data.file[node]);
  if (scheme === 'module') return baseName(module) || 'unknown';
  if (scheme === 'file') return file || baseName(module) || 'unknown';
  return packageOf(data.names[data.name[node]], file, module) || 'unknown';
}

/** A group has its hue, and in it each function its shade. @param {string} group @param {string} name '': the group's own */
export function groupColour(group, name) {
  const shade = name ? Math.round(hash(name) * 11) : 6;
  if (group === 'unknown') return `hsl(40 10% ${74 + shade}%)`;
  const hue = Math.round(hash(group) * 360);
  return `hsl(${hue} ${56 + Math.round(hash(group + '?') * 22)}% ${71 + shade}%)`;
}

/** From pale yellow to red. @param {number} share */
export function valueColour(share) {
  const t = Math.sqrt(Math.min(Math.max(share, 0), 1));
  return `hsl(${Math.round(52 - 44 * t)} 88% ${Math.round(82 - 16 * t)}%)`;
}

/** @param {number} change from -1, all gone, to 1, all new */
export function changeColour(change) {
  const t = Math.min(Math.abs(change), 1);
  const light = Math.round(86 - 20 * t);
  if (t < 0.005) return 'hsl(40 5% 84%)';
  return change > 0 ? `hsl(30 ${Math.round(30 + 65 * t)}% ${light - 4}%)` : `hsl(212 ${Math.round(30 + 60 * t)}% ${light}%)`;
}

/** @param {Columns} data @param {Tree} tree @param {number} node @param {Scheme} scheme */
export function colourOf(data, tree, node, scheme) {
  if (scheme === 'change') return changeColour(tree.gross[node] ? tree.total[node] / tree.gross[node] : 0);
  if (data.name[node] < 0) return GROUP;
  if (scheme === 'value') return valueColour(tree.gross[0] ? tree.gross[node] / tree.gross[0] : 0);
  if (node === 0) return groupColour('unknown', '');
  return groupColour(groupOf(data, node, scheme), data.names[data.name[node]]);
}

/**
 * The groups that weigh most by themselves, for a legend.
 * @param {Columns} data @param {Tree} tree @param {Scheme} scheme @param {number} most
 * @returns {{group: string, value: number}[]}
 */
export function heaviestGroups(data, tree, scheme, most) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (let i = 1; i < tree.n; i++) {
    if (data.name[i] < 0 || !tree.self[i]) continue;
    const group = groupOf(data, i, scheme);
    sums.set(group, (sums.get(group) ?? 0) + Math.abs(tree.self[i]));
  }
  const groups = Array.from(sums, ([group, value]) => ({ group, value }));
  return groups.sort((a, b) => b.value - a.value).slice(0, most);
}
