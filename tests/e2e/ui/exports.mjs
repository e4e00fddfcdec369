// What can be taken out of the flame graph: pictures, stacks, profile, page. Each is read by what
// would read it: an XML parser, a PNG decoder, sonde, a browser.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CPU, TMP, check, checkAxe, focused, newPage, open, press, run, serve, settled, sonde } from './harness.mjs';

async function take(page, selector) {
  await page.click('#export-menu summary');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(selector)]);
  const path = join(TMP, 'taken-' + download.suggestedFilename());
  await download.saveAs(path);
  await page.keyboard.press('Escape');
  return { path, name: download.suggestedFilename(), data: readFileSync(path) };
}

/** Names in the titles of an SVG, as a parser reads it. */
function namesInSvg(page, text) {
  return page.evaluate((source) => {
    const parsed = new DOMParser().parseFromString(source, 'image/svg+xml');
    if (parsed.querySelector('parsererror')) throw new Error(parsed.textContent);
    return [...parsed.querySelectorAll('g > title')].map((title) => title.textContent.split('\n')[0]);
  }, text);
}

async function pictures(url) {
  const page = await newPage();
  await open(page, url);
  const svg = await take(page, '#export-svg');
  const names = await namesInSvg(page, svg.data.toString());
  check('the SVG has every frame', ['all', 'main', 'run', 'parse', 'next_token', 'fold', 'hash'].every((name) => names.includes(name)), names);
  check('and no script', !/<script|\son\w+=/.test(svg.data.toString()) && svg.name === 'prog.svg', svg.name);
  await page.focus('#main-tree');
  await press(page, 'ArrowDown', 'ArrowDown', 'ArrowDown', 's');
  const both = await take(page, '#export-svg');
  const twice = (await namesInSvg(page, both.data.toString())).filter((name) => name === 'parse');
  check('the SVG of callers and callees has both', twice.length >= 2 && both.data.toString().includes('callers and callees of parse'), [twice, both.data.toString().slice(0, 400)]);
  const png = await take(page, '#export-png');
  const size = await page.evaluate(async (bytes) => {
    const image = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: 'image/png' }));
    return [image.width, image.height];
  }, [...png.data]);
  check('the PNG is one, in twice the pixels', png.data.subarray(1, 4).toString() === 'PNG' && size[0] >= 2000 && size[1] > 100, size);
  await press(page, 't');
  const unseen = await take(page, '#export-svg');
  check('the picture can be taken while the table is shown', (await namesInSvg(page, unseen.data.toString())).includes('next_token'));
  check('no error was met', page.errors.length === 0, page.errors);
}

async function stacks(url) {
  const page = await newPage();
  await open(page, url);
  const folded = await take(page, '#export-folded');
  const text = folded.data.toString();
  check('folded stacks are lines of frames and a value', /^main;run;parse;next_token \d+$/m.test(text), text.slice(0, 300));
  const path = join(TMP, 'again.folded');
  writeFileSync(path, text);
  check('which sonde reads', sonde('pprof', '-top', path).toString().includes('next_token'));
  await page.click('#export-menu summary');
  await checkAxe(page, 'the export menu');
  await page.keyboard.press('Escape');
  const all = await take(page, '#export-all-folded');
  check('the server has all of them', all.data.toString().split('\n').sort().join() === text.split('\n').sort().join(), [all.data.toString().slice(0, 200), text.slice(0, 200)]);
}

async function profile(url) {
  const page = await newPage();
  await open(page, url + '?f=next_token');
  const taken = await take(page, '#export-all-pb');
  const top = sonde('pprof', '-symbolize=none', '-top', taken.path).toString();
  check('the profile has the filters applied', top.includes('next_token') && !top.includes('hash'), top);
}

async function wholePage(url) {
  const page = await newPage();
  await open(page, url + '?i=hash#colour=value&fn=parse');
  const taken = await take(page, '#export-html');
  const asked = [];
  const other = await newPage({ offline: true });
  other.on('request', (request) => { if (!request.url().startsWith('file:')) asked.push(request.url()); });
  await open(other, pathToFileURL(taken.path).href);
  check('the page in one file shows what this one does', (await other.inputValue('#colour')) === 'value' && (await other.textContent('#callers-head')) === 'Who calls parse');
  await other.click('#crumbs button:has-text("Whole graph")');
  await other.focus('#main-tree');
  await press(other, 'ArrowDown', 'ArrowDown');
  check('and works offline', (await focused(other)).startsWith('run, '), await focused(other));
  await other.fill('#search', 'hash');
  await settled(other);
  check('with the filters applied', (await other.textContent('#found')) === 'no match', await other.textContent('#found'));
  const svg = await take(other, '#export-svg');
  check('pictures can be taken from it too', (await namesInSvg(other, svg.data.toString())).includes('parse'));
  check('it has no link to a server', !(await other.$('#export-all-pb')) && asked.length === 0 && other.errors.length === 0, [asked, other.errors]);
}

await run(async () => {
  const url = (await serve(CPU)) + '/ui/flamegraph';
  for (const part of [pictures, stacks, profile, wholePage]) await part(url);
});
