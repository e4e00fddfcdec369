// The flame graph's model: layout, sums, searching. Run by `node --test`.
import assert from 'node:assert/strict';
import test from 'node:test';
import { makeTree, layout, matchNames, findMatches, tableRows, shorterNames, formatValue, formatShare }
  from '../../../ui/flame/model.js';

// all ─┬─ main ─┬─ work (60) ── main (10, recursive)
//      │        └─ … 3 more (10)
//      └─ idle (20)
const data = {
  title: 't', labels: [], type: 0,
  types: [{ name: 'cpu', unit: 'nanoseconds' }, { name: 'samples', unit: 'count' }],
  names: ['', 'all', 'main', 'work', 'idle'],
  files: [''],
  depth: [0, 1, 2, 3, 2, 1],
  name: [1, 2, 3, 2, -1, 4],
  file: [-1, -1, -1, -1, -1, -1],
  module: [-1, -1, -1, -1, -1, -1],
  inlined: [0, 0, 0, 0, 0, 0],
  more: [0, 0, 0, 0, 3, 0],
  self: [[0, 0, 60, 10, 10, 20], [0, 0, 6, 1, 1, 2]],
};

test('totals, parents and subtree ends', () => {
  const tree = makeTree(data, 0);
  assert.deepEqual([...tree.total], [100, 80, 70, 10, 10, 20]);
  assert.deepEqual([...tree.parent], [-1, 0, 1, 2, 1, 0]);
  assert.deepEqual([...tree.end], [6, 5, 4, 4, 5, 6]);
  assert.deepEqual([...tree.start], [0, 0, 0, 0, 70, 80]);
  assert.equal(tree.maxDepth, 3);
  assert.deepEqual([...makeTree(data, 1).total], [10, 8, 7, 1, 1, 2]);
});

test('layout fills the width with the root and drops what is too narrow', () => {
  const tree = makeTree(data, 0);
  const whole = layout(tree, 0, 1000, 0.4);
  assert.equal(whole.length, 6);
  assert.deepEqual(whole.find((f) => f.node === 4), { node: 4, x: 700, w: 100, row: 2 });
  const zoomed = layout(tree, 2, 1000, 0.4);
  assert.deepEqual(zoomed.map((f) => f.node).sort(), [0, 1, 2, 3]);
  assert.equal(zoomed.find((f) => f.node === 0).w, 1000);
  assert.equal(layout(tree, 0, 1000, 150).length, 4);
});

test('a diff: what was taken away takes room too', () => {
  const tree = makeTree({ ...data, self: [[0, 0, -60, 0, 10, 20], data.self[1]] }, 0);
  assert.equal(tree.total[0], -30);
  const frames = layout(tree, 1, 500, 0.4);
  assert.ok(frames.every((f) => f.w >= 0 && f.w <= 500));
});

test('search: matches, weight without counting recursion twice, and bad patterns', () => {
  const tree = makeTree(data, 0);
  const { matches } = matchNames(data.names, 'MAIN');
  const hits = findMatches(tree, data.name, matches);
  assert.deepEqual(hits.nodes, [1, 3]);
  assert.equal(hits.weight, 80);
  assert.ok(matchNames(data.names, '(').error);
  assert.equal(matchNames(data.names, '').matches, null);
});

test('the table counts a recursive function once', () => {
  const rows = tableRows(makeTree(data, 0), data.name, data.names.length);
  assert.deepEqual(rows.find((r) => r.name === 2), { name: 2, flat: 10, cum: 80 });
  assert.equal(rows[0].name, 3);
});

test('values and shares', () => {
  assert.equal(formatValue(1250000000, 'nanoseconds'), '1.25s');
  assert.equal(formatValue(-1536, 'bytes'), '-1.5kB');
  assert.equal(formatValue(1234567, 'count'), '1,234,567');
  assert.equal(formatValue(0, 'nanoseconds'), '0ns');
  assert.equal(formatShare(1, 3), '33.33%');
  assert.equal(formatShare(1, 0), '0%');
});

test('names get shorter and still tell what they are', () => {
  assert.deepEqual(shorterNames('net/http.(*conn).serve', 's.go'), ['net/http.(*conn).serve', 'http.(*conn).serve', '(*conn).serve', 'serve']);
  assert.deepEqual(shorterNames('cmd/ssa.Compile', 'c.go'), ['cmd/ssa.Compile', 'ssa.Compile', 'Compile']);
  assert.deepEqual(shorterNames('std::vector<int, a::b>::push(int) const', 'v.h'), ['std::vector<int, a::b>::push(int) const', 'std::vector::push', 'vector::push', 'push']);
  assert.deepEqual(shorterNames('(anonymous namespace)::f(int)', 'f.cc'), ['(anonymous namespace)::f(int)', 'f']);
  assert.deepEqual(shorterNames('a::operator<(b)', 'f.cc'), ['a::operator<(b)']);
  assert.deepEqual(shorterNames('a)b(', 'f.cc'), ['a)b(']);
  assert.deepEqual(shorterNames('work.constprop.0', 'w.c'), ['work.constprop.0']);
});
