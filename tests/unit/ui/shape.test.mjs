// Trees made from trees, and their colours. Run by `node --test`.
import assert from 'node:assert/strict';
import test from 'node:test';
import { numbered, reorder, collapseRecursion, around, graft, hasMore, folded } from '../../../ui/flame/shape.js';
import { packageOf, changeColour, groupColour, heaviestGroups } from '../../../ui/flame/colour.js';
import { makeTree, normalScale } from '../../../ui/flame/model.js';
import { readView, viewHash, lookHash } from '../../../ui/flame/address.js';
import { functionOf, zoomed, moved } from '../../../ui/profile/graph.js';

// all ─ main ─┬─ b (10)
//             ├─ a (20) ─ a (30) ─ c (5)
//             ├─ c (7) ─ a (3)
//             └─ … 2 more (25)
const data = numbered({
  names: ['all', 'main', 'a', 'b', 'c'], files: ['/bin/prog'],
  depth: [0, 1, 2, 2, 3, 4, 2, 3, 2],
  name: [0, 1, 3, 2, 2, 4, 4, 2, -1],
  file: Array(9).fill(-1), module: [-1, ...Array(8).fill(0)], inlined: Array(9).fill(0),
  more: [0, 0, 0, 0, 0, 0, 0, 0, 2],
  id: [0, 1, 2, 3, 4, 5, 6, 7, -8],
  self: [[0, 0, 10, 20, 30, 5, 7, 3, 25]],
});

/** "name:total" in preorder, indented by dots. */
function show(tree) {
  const { total } = makeTree(tree, 0);
  return tree.name.map((name, i) => '.'.repeat(tree.depth[i]) + (name < 0 ? '…' : tree.names[name]) + ':' + total[i]).join(' ');
}

test('siblings heaviest first or by name, "… more" last', () => {
  assert.equal(show(reorder(data, 0, 'value')), 'all:100 .main:100 ..a:55 ...a:35 ....c:5 ..b:10 ..c:10 ...a:3 ..…:25');
  const other = { ...data, self: [[0, 0, 90, 20, 30, 5, 7, 3, 25]] };
  assert.match(show(reorder(other, 0, 'value')), /^all:180 .main:180 ..b:90 ..a:55 /);
  assert.match(show(reorder(other, 0, 'name')), /^all:180 .main:180 ..a:55 .* ..b:90 ..c:10 /);
  assert.deepEqual(reorder(other, 0, 'value').id, [0, 1, 2, 3, 4, 5, 6, 7, -8]);
});

test('direct recursion becomes one frame, and what it calls is merged', () => {
  const twice = { ...data, depth: [0, 1, 2, 2, 3, 4, 3, 3, 2] }; // c and a stand below the first a
  assert.equal(show(collapseRecursion(twice)), 'all:100 .main:100 ..b:10 ..a:65 ...c:12 ..…:25');
  assert.equal(makeTree(collapseRecursion(data), 0).total[0], 100);
});

test('callers and callees of all outermost occurrences', () => {
  const { callers, callees } = around(data, 'a');
  assert.equal(show(callees), 'a:58 .a:35 ..c:5');
  assert.equal(show(callers), 'a:58 .main:55 .c:3 ..main:3');
  assert.equal(around(data, 'nobody'), null);
});

const diff = { ...data, self: [[0, 0, 10, -20, 0, 5, 7, 3, 25]], base: [[0, 0, 0, 20, 30, 0, 0, 0, 15]] };

test('a diff keeps what was before through all of it', () => {
  const tree = makeTree(diff, 0);
  assert.equal(tree.whole, 65);
  assert.equal(tree.total[0], 30);
  assert.deepEqual([...tree.gross].slice(2, 6), [10, 85, 65, 5]);
  assert.deepEqual(collapseRecursion(diff).base, [[0, 0, 0, 50, 0, 0, 0, 15]]);
  assert.equal(makeTree(around(diff, 'a').callers, 0).before[0], 50);
  assert.equal(normalScale(diff, 0), 65 / 95);
  assert.ok(Math.abs(makeTree(diff, 0, 65 / 95).total[0]) < 1e-9);
  assert.equal(normalScale(data, 0), 1);
});

test('a part is put where it belongs, and sums stay', () => {
  const group = numbered({ names: ['x', 'b', 'y'], files: ['f'], depth: [0, 1, 2, 1], name: [-1, 0, 2, 1], file: [-1, 0, 0, -1], module: [-1, 0, 0, -1],
    inlined: [0, 0, 1, 0], more: [3, 0, 0, 0], id: [-8, 8, 9, 10], self: [[0, 9, 6, 10]] });
  const whole = graft(data, -8, group);
  assert.equal(show(whole), 'all:100 .main:100 ..b:10 ..a:55 ...a:35 ....c:5 ..c:10 ...a:3 ..x:15 ...y:6 ..b:10');
  assert.deepEqual(whole.files, ['/bin/prog', 'f']);
  assert.deepEqual(whole.module.slice(-2), [1, -1]);
  assert.equal(whole.name[2], whole.name[10]);
  const below = graft(data, 3, numbered({ names: ['a', 'z'], files: [], depth: [0, 1], name: [0, 1], file: [-1, -1], module: [-1, -1], inlined: [0, 0],
    more: [0, 0], id: [3, 40], self: [[20, 35]] }));
  assert.equal(show(below), 'all:100 .main:100 ..b:10 ..a:55 ...z:35 ..c:10 ...a:3 ..…:25');
  assert.equal(graft(data, 77, group), data);
  assert.deepEqual(data.names, ['all', 'main', 'a', 'b', 'c']);
});

test('what was left out is known', () => {
  assert.ok(hasMore(data, 1, 9));
  assert.ok(!hasMore(data, 3, 6));
});

test('folded stacks', () => {
  assert.equal(folded(data, 0), 'main;b 10\nmain;a 20\nmain;a;a 30\nmain;a;a;c 5\nmain;c 7\nmain;c;a 3\nmain;… 2 more 25\n');
});

test('packages of Go, C++, Rust and C names', () => {
  assert.equal(packageOf('net/http.(*conn).serve', '/go/src/net/http/server.go', '/bin/x'), 'net/http');
  assert.equal(packageOf('std::vector<int, a::b>::push_back(int)', 'vector.h', ''), 'std');
  assert.equal(packageOf('core::iter::Map<I, F>::next', 'map.rs', ''), 'core::iter');
  assert.equal(packageOf('lookup', 'src/db/table.c', '/bin/db'), 'src/db');
  assert.equal(packageOf('memcpy', '', '/usr/lib/libc.so.6'), 'libc.so.6');
  assert.equal(packageOf('[libc.so.6]', '/usr/lib/libc.so.6', '/usr/lib/libc.so.6'), 'libc.so.6');
  assert.equal(packageOf('x', '', ''), '');
});

test('colours: one a group, and a diff in orange and blue', () => {
  assert.equal(groupColour('a', 'f'), groupColour('a', 'f'));
  assert.notEqual(groupColour('a', ''), groupColour('b', ''));
  assert.equal(groupColour('a', 'f').split(' ')[0], groupColour('a', 'g').split(' ')[0]);
  assert.match(changeColour(0.5), /^hsl\(30 /);
  assert.match(changeColour(-0.5), /^hsl\(212 /);
  assert.equal(changeColour(0), changeColour(0.001));
  assert.deepEqual(heaviestGroups(data, makeTree(data, 0), 'module', 2), [{ group: 'prog', value: 75 }]);
});

const head = { title: '', labels: [], types: [{ name: 'a', unit: '' }, { name: 'b', unit: '' }], type: 1 };

test('the address holds the view, and a bad one is the default', () => {
  const hash = '#q=a%2B%28&si=0&order=name&colour=value&flip=1&rec=1&view=table&sort=cum&fn=f%3Cg%3E&z=-3&x=5%2C-6&cz=9';
  const view = readView(hash, head);
  assert.equal(view.pattern, 'a+(');
  assert.deepEqual(view.parts.main, { zoom: -3, open: [5, -6] });
  assert.deepEqual(new URLSearchParams(viewHash(view, head).slice(1)).toString().split('&').sort(), hash.slice(1).split('&').sort());
  assert.doesNotMatch(lookHash(view, head), /z=|x=|fn=/);
  const bad = readView('#si=9&order=up&colour=loud&z=1e99&x=a,,0,1.5&sort=size', head);
  assert.equal(viewHash(bad, head), '#');
  assert.equal(bad.type, 1);
});

test('the graph zooms about a point and moves by parts of what is seen', () => {
  const view = { x: 0, y: 0, w: 100, h: 50 };
  assert.deepEqual(zoomed(view, 2, 50, 25), { x: 25, y: 12.5, w: 50, h: 25 });
  assert.deepEqual(moved(view, 0.1, -0.1), { x: 10, y: -5, w: 100, h: 50 });
});

test('the function of a box in the graph', () => {
  assert.equal(functionOf('parse (0.92s)'), 'parse');
  assert.equal(functionOf('f(int) const (1.5MB)'), 'f(int) const');
});
