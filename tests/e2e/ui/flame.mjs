// The flame graph: every control by mouse and keyboard, the address, themes, narrow screens, diffs.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { CPU, TMP, check, checkAxe, focused, items, makeProfile, newPage, open, press, run, serve, settled, sonde } from './harness.mjs';

const hash = (page) => new URLSearchParams(new URL(page.url()).hash.slice(1));
const crumbs = (page) => page.textContent('#crumbs');
const pressed = (page, id) => page.getAttribute('#' + id, 'aria-pressed');

async function keyboard(url) {
  const page = await newPage();
  await open(page, url);
  check('the tree begins at the root', (await focused(page)).startsWith('all, 1.09s (100.00% of all'), await items(page));
  await press(page, 'ArrowDown', 'ArrowDown', 'ArrowDown');
  check('down goes to the heaviest callee', (await focused(page)).startsWith('parse, 920ms'), await focused(page));
  await press(page, 'ArrowRight');
  check('right goes to the frame beside', (await focused(page)).startsWith('fold, '), await focused(page));
  await press(page, 'ArrowLeft', 'ArrowUp');
  check('up goes to the caller', (await focused(page)).startsWith('run, '), await focused(page));
  await press(page, 'ArrowDown', 'Enter');
  check('Enter shows the frame alone', (await crumbs(page)) === 'all › main › run › parse' && hash(page).has('z'), await crumbs(page));
  await page.reload();
  await settled(page);
  check('the address holds it', (await crumbs(page)).endsWith('parse') && (await focused(page)).startsWith('parse'), page.url());
  await page.goBack();
  await settled(page);
  check('back undoes it', (await crumbs(page)) === '', await crumbs(page));
  await page.goForward();
  await settled(page);
  check('forward does it again', (await crumbs(page)).endsWith('parse'), await crumbs(page));
  await press(page, 'Escape');
  check('Escape shows everything', (await crumbs(page)) === '' && !hash(page).has('z'), page.url());
  await press(page, '?');
  check('? shows the keys', await page.isVisible('#help'));
  await checkAxe(page, 'the help');
  await press(page, 'Escape');
  check('and Escape closes them', !(await page.isVisible('#help')));
  check('items say where they stand', (await page.getAttribute('#main-tree [aria-selected="true"]', 'aria-level')) === '4', await items(page));
  check('no error was met', page.errors.length === 0, page.errors);
}

async function mouse(url) {
  const page = await newPage();
  await open(page, url);
  const canvas = await page.locator('#main-canvas').boundingBox();
  const row = (n) => canvas.y + 19 * n + 9;
  await page.mouse.move(canvas.x + 60, row(3));
  check('a tip says what is under the mouse', (await page.textContent('#tip b')) === 'parse' && await page.isVisible('#tip'), await page.textContent('#tip'));
  check('and so does the status line', (await page.textContent('#status')).startsWith('parse · 920ms'), await page.textContent('#status'));
  await page.mouse.click(canvas.x + 60, row(3));
  await settled(page);
  check('a click shows the frame alone', (await crumbs(page)).endsWith('parse'), await crumbs(page));
  await page.click('#crumbs button:has-text("run")');
  await settled(page);
  check('a crumb goes up', (await crumbs(page)).endsWith('run'), await crumbs(page));
  await page.click('#reset');
  await settled(page);
  check('reset shows everything', (await crumbs(page)) === '');
  await page.click('#help-button');
  check('the help has a button', await page.isVisible('#help'));
}

async function search(url) {
  const page = await newPage();
  await open(page, url);
  await press(page, '/');
  await page.keyboard.type('^parse$');
  await settled(page);
  const said = await page.textContent('#found');
  check('a search counts frames and their share', said === '3 frames, 84.40%', said);
  await press(page, 'Enter');
  check('Enter in the box goes to the first', (await focused(page)).startsWith('parse, 920ms'), await focused(page));
  await page.keyboard.press('Escape');
  await press(page, 'n');
  check('n goes to the next', (await focused(page)).startsWith('parse, 170ms'), await focused(page));
  await press(page, 'N');
  check('N goes back', (await focused(page)).startsWith('parse, 920ms'), await focused(page));
  await page.click('#previous');
  await page.click('#next');
  check('and so do the buttons', (await focused(page)).startsWith('parse, 920ms'), await focused(page));
  check('the search is in the address', hash(page).get('q') === '^parse$', page.url());
  await checkAxe(page, 'a search');
  await page.fill('#search', '(');
  await settled(page);
  check('a bad pattern says what is wrong', /Invalid regular expression|Unterminated group/.test(await page.textContent('#found')), await page.textContent('#found'));
  await page.fill('#search', 'no such name');
  await settled(page);
  check('no match is said', (await page.textContent('#found')) === 'no match');
}

async function pixel(page, side, x, row) {
  return page.$eval(`#${side}-canvas`, (canvas, [px, y]) =>
    [...canvas.getContext('2d').getImageData(px * canvas.width / canvas.clientWidth, y * canvas.height / canvas.clientHeight, 1, 1).data].join(),
  [x, row * 19 + 3]);
}

async function looks(url) {
  const page = await newPage();
  await open(page, url);
  const rootPixel = await pixel(page, 'main', 900, 0);
  await page.click('#flip');
  await settled(page);
  check('flip puts the root at the bottom', (await pressed(page, 'flip')) === 'true' && hash(page).get('flip') === '1' && (await pixel(page, 'main', 900, 5)) === rootPixel);
  await page.focus('#main-tree');
  await press(page, 'ArrowUp');
  check('and up then goes in', (await focused(page)).startsWith('main, '), await focused(page));
  await press(page, 'i');
  check('I flips it back', (await pressed(page, 'flip')) === 'false' && (await pixel(page, 'main', 900, 0)) === rootPixel);
  await press(page, 'ArrowDown');
  const byValue = (await items(page)).filter((text) => /^(parse|exit|fold)/.test(text)).map((text) => text.split(',')[0]);
  await page.click('#view-menu summary');
  await page.selectOption('#order', 'name');
  await settled(page);
  const byName = (await items(page)).filter((text) => /^(parse|exit|fold)/.test(text)).map((text) => text.split(',')[0]);
  check('frames can stand in order of their names', hash(page).get('order') === 'name' && byName.join() === [...byName].sort().join() && byName.join() !== byValue.join(), [byValue, byName]);
  const before = await pixel(page, 'main', 300, 4);
  const colours = new Set([before]);
  for (const scheme of ['file', 'value', 'module', 'package']) {
    await page.selectOption('#colour', scheme);
    await settled(page);
    check(`colour by ${scheme} is in the address`, hash(page).get('colour') === scheme, page.url());
    colours.add(await pixel(page, 'main', 300, 4));
  }
  check('colours differ', colours.size >= 3, [...colours]);
  check('a legend tells packages apart', /lex\.c 5\d\.\d\d%/.test(await page.textContent('#legend')), await page.textContent('#legend'));
  await page.check('#collapse');
  await page.keyboard.press('Escape');
  await page.fill('#search', '^parse$');
  await settled(page);
  check('direct recursion becomes one frame', hash(page).get('rec') === '1' && (await page.textContent('#found')) === '1 frame, 84.40%', await page.textContent('#found'));
  await page.reload();
  await settled(page);
  check('all of it outlives a reload', (await page.isChecked('#collapse')) && (await page.inputValue('#order')) === 'name' && (await page.inputValue('#search')) === '^parse$');
  await page.click('#main-canvas', { position: { x: 5, y: 5 } });
  await press(page, 'o', 'r');
  check('O and R do the same by key', !hash(page).has('order') && !hash(page).has('rec'), page.url());
  check('no error was met', page.errors.length === 0, page.errors);
}

async function table(url) {
  const page = await newPage();
  await open(page, url);
  await page.click('#table-button');
  await settled(page);
  const rows = () => page.$$eval('#table tbody tr', (all) => all.map((tr) => [...tr.cells].map((c) => c.textContent)));
  check('the table twin has the heaviest first', (await rows())[0][4] === 'peek_char' && !(await page.isVisible('#main-canvas')), await rows());
  check('and the values of -top', sonde('pprof', '-symbolize=none', '-top', CPU).toString().includes((await rows())[0][1] + '  peek_char'), (await rows())[0]);
  await checkAxe(page, 'the table');
  await page.click('#table th button:has-text("Name")');
  await settled(page);
  const names = (await rows()).map((row) => row[4]);
  check('a head sorts', names.join() === [...names].sort().join() && hash(page).get('sort') === 'name' && (await page.getAttribute('#table th[aria-sort]', 'aria-sort')) === 'ascending', names);
  await page.click('#table td button:has-text("next_token")');
  await settled(page);
  check('a name leads to callers and callees, as tables', (await page.$$('#table table')).length === 2 && hash(page).get('fn') === 'next_token', page.url());
  await press(page, 't');
  check('T shows the picture', await page.isVisible('#callers-canvas') && await page.isVisible('#callees-canvas'));
}

async function sandwich(url) {
  const page = await newPage();
  await open(page, url);
  await page.focus('#main-tree');
  await press(page, 'ArrowDown', 'ArrowDown', 'ArrowDown', 's');
  check('the keyboard is on them', (await page.evaluate(() => document.activeElement.id)) === 'callers-tree');
  check('S shows callers and callees', await page.isVisible('#callers-canvas') && await page.isVisible('#callees-canvas') && !(await page.isVisible('#main-canvas')));
  const callers = await items(page, 'callers');
  const callees = await items(page, 'callees');
  check('callers are nearest first', callers[0].startsWith('parse, 920ms (84.40% of all') && callers[1].startsWith('run, 920ms'), callers);
  check('callees are under the function', callees.some((t) => t.startsWith('next_token, 620ms')), callees);
  check('the headings name it', (await page.textContent('#callers-head')) === 'Who calls parse' && (await page.textContent('#callees-head')) === 'What parse calls');
  check('callers stand above: the function is the lowest row', await page.$eval('#callers-canvas', (c) => c.getBoundingClientRect().bottom) < await page.$eval('#callees-canvas', (c) => c.getBoundingClientRect().top));
  await checkAxe(page, 'callers and callees');
  await page.focus('#callers-tree');
  await press(page, 'ArrowUp');
  check('up goes to a caller', (await focused(page, 'callers')).startsWith('run'), await focused(page, 'callers'));
  await press(page, 'Enter');
  check('which can be shown alone', hash(page).has('cz') && (await crumbs(page)).includes('parse › run'), page.url());
  await page.reload();
  await settled(page);
  check('the address holds it', (await crumbs(page)).includes('parse › run'), await crumbs(page));
  await page.click('#crumbs button:has-text("Whole graph")');
  await settled(page);
  check('the whole graph is a click away', await page.isVisible('#main-canvas') && !hash(page).has('fn'));
  await page.goBack();
  await settled(page);
  check('back leads to callers and callees', await page.isVisible('#callers-canvas'));
  await page.goto(url + '#fn=nothing-of-this-name');
  await page.waitForSelector('#problem:not([hidden])');
  check('a function that is not there is said', (await page.textContent('#problem')).includes('nothing-of-this-name'), await page.textContent('#problem'));
}

/** google/pprof's parameter for a function's callers and callees. */
async function pivot(url) {
  const page = await newPage();
  const asked = () => new URL(page.url()).searchParams.get('p');
  const heads = async () => [await page.textContent('#callers-head'), await page.textContent('#callees-head')];
  for (const pattern of ['next_token', '^next_token$', 'xt_tok']) {
    await open(page, url + '?p=' + encodeURIComponent(pattern));
    check(`p=${pattern} shows callers and callees`, await page.isVisible('#callers-canvas') && (await heads())[0] === 'Who calls next_token', await heads());
  }
  check('links of the page leave it behind', await page.$$eval('nav.pages a', (all) => all.every((a) => !new URL(a.href).searchParams.has('p'))));
  await page.click('#crumbs button:has-text("Whole graph")');
  await settled(page);
  check('the whole graph takes it away', asked() === null && await page.isVisible('#main-canvas'), page.url());
  await page.goBack();
  await settled(page);
  check('back brings it back', asked() === 'xt_tok' && (await heads())[0] === 'Who calls next_token', page.url());
  await open(page, url + '?si=cpu');
  await press(page, 'ArrowDown', 'ArrowDown', 'ArrowDown', 's');
  check('S writes it beside the filters', asked() === '^parse$' && new URL(page.url()).searchParams.get('si') === 'cpu', page.url());
  await page.goto('about:blank');
  await open(page, url + '?p=%5Eparse%24');
  check('the link is enough', (await heads())[1] === 'What parse calls', await heads());
  await press(page, 'Escape');
  check('Escape takes it away', asked() === null && await page.isVisible('#main-canvas'), page.url());
  for (const pattern of ['no_such', '(']) {
    await page.goto(url + '?p=' + encodeURIComponent(pattern));
    await page.waitForSelector('#problem:not([hidden])');
    check(`a pivot that is none is said: ${pattern}`, (await page.textContent('#problem')).includes(pattern), await page.textContent('#problem'));
  }
}

async function zoom(url) {
  const page = await newPage();
  await open(page, url);
  const turn = async (deltaY, ctrlKey) => {
    const taken = await page.$eval('#main-canvas', (canvas, { deltaY, ctrlKey }) => {
      const box = canvas.getBoundingClientRect();
      return !canvas.dispatchEvent(new WheelEvent('wheel',
        { deltaY, ctrlKey, bubbles: true, cancelable: true, clientX: box.left + 60, clientY: box.top + 4.5 * (box.height / 5) }));
    }, { deltaY, ctrlKey });
    await settled(page);
    return taken;
  };
  check('the wheel alone scrolls', !(await turn(-100, false)) && !hash(page).has('z'), page.url());
  check('a little pinch is no step yet', (await turn(-15, true)) && !hash(page).has('z'), page.url());
  await turn(-15, true);
  await turn(-15, true);
  const first = await crumbs(page);
  check('but a few are one, towards the frame under it', hash(page).has('z') && first.startsWith('all › main'), first);
  await turn(-100, true);
  const second = await crumbs(page);
  check('Ctrl+wheel goes on', second.startsWith(first) && second.length > first.length, [first, second]);
  await turn(100, true);
  check('and back', (await crumbs(page)) === first, await crumbs(page));
  await turn(100, true);
  check('to the whole', (await crumbs(page)) === '' && !hash(page).has('z'), page.url());
  await page.focus('#main-tree');
  await press(page, 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown', '+');
  const nearer = await crumbs(page);
  await press(page, '+');
  check('+ does so towards the focus', nearer !== '' && (await crumbs(page)).startsWith(nearer) && (await crumbs(page)).length > nearer.length, [nearer, await crumbs(page)]);
  await press(page, '-', '-');
  check('- goes back', (await crumbs(page)) === '', await crumbs(page));
  check('no error was met', page.errors.length === 0, page.errors);
}

async function frameMenu(url) {
  const page = await newPage();
  await open(page, url);
  await press(page, 'ArrowDown', 'ArrowDown', 'ArrowDown');
  await page.keyboard.press('m');
  check('M opens the menu of the frame', await page.isVisible('[role="menu"]') && (await page.getAttribute('[role="menu"]', 'aria-label')) === 'Frame parse');
  await checkAxe(page, 'the menu');
  await page.keyboard.press('ArrowDown');
  check('arrows move in it', (await page.evaluate(() => document.activeElement.textContent)) === 'Callers and callees');
  await page.keyboard.press('End');
  check('End goes to the last', (await page.evaluate(() => document.activeElement.textContent)) === 'Callers and callees by line');
  await page.keyboard.press('Escape');
  check('Escape closes it and the focus is back', !(await page.$('[role="menu"]')) && (await page.evaluate(() => document.activeElement.id)) === 'main-tree');
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await page.keyboard.press('c');
  await page.waitForFunction(() => document.getElementById('status').textContent === 'Name copied.');
  check('C copies the name', (await clipboard()) === 'parse', await clipboard());
  for (const [label, said, want] of [['Copy the stack', 'Stack copied.', 'parse\nrun\nmain\nall'], ['Copy as a row of text', 'Row copied.', '0ns\t0.00%\t920ms\t84.40%\tparse']]) {
    await page.click('#main-canvas', { button: 'right', position: { x: 60, y: 66 } });
    await page.click(`[role="menuitem"]:has-text("${label}")`);
    await page.waitForFunction((text) => document.getElementById('status').textContent === text, said);
    check(label, (await clipboard()) === want, await clipboard());
  }
  return filters(page);
}

/** From the menu: filters, which are chips, and the way to the source. */
async function filters(page) {
  const choose = async (label) => {
    await page.click('#main-canvas', { button: 'right', position: { x: 60, y: 66 } });
    await Promise.all([page.waitForNavigation(), page.click(`[role="menuitem"]:has-text("${label}")`)]);
  };
  await press(page, 'i', 'i');
  await page.fill('#search', 'token');
  await settled(page);
  for (const [label, param, chip] of [['Focus', 'f', 'focus'], ['Ignore', 'i', 'ignore'], ['Hide', 'h', 'hide'], ['Show from', 'sf', 'show from']]) {
    const before = page.url();
    await choose(label);
    await settled(page);
    const search = new URL(page.url()).searchParams;
    check(`${label} filters`, search.get(param) === '^parse$', page.url());
    check(`and leaves the search as it is`, hash(page).get('q') === 'token', page.url());
    const text = await page.textContent('.chip');
    check(`${label} is a chip`, text.startsWith(`${chip}: ^parse$`), text);
    await Promise.all([page.waitForNavigation(), page.click('.chip')]);
    await settled(page);
    check('that removes it', !new URL(page.url()).searchParams.has(param) && hash(page).get('q') === 'token', [before, page.url()]);
  }
  await choose('Source');
  check('the menu leads to the source', new URL(page.url()).pathname === '/ui/source' && new URL(page.url()).searchParams.get('f') === '^parse$', page.url());
  check('no error was met', page.errors.filter((e) => !e.includes('404')).length === 0, page.errors);
}

async function themes(url) {
  const page = await newPage({ colorScheme: 'light' });
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await open(page, url);
  const light = await paper();
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await paper();
  check('the system chooses dark or light', light !== dark, [light, dark]);
  await checkAxe(page, 'dark');
  await press(page, 'd');
  check('D chooses the other', (await paper()) === light);
  await page.reload();
  await settled(page);
  check('which is kept', (await paper()) === light);
  await page.goto(url.replace('flamegraph', 'top'));
  await page.waitForSelector('nav.pages > button');
  check('on the other pages too', (await paper()) === light);
  await page.click('nav.pages > button:has-text("Dark")');
  check('where it can be changed', (await paper()) === dark);
  await checkAxe(page, 'top, dark by choice');
}

async function narrow(url) {
  const page = await newPage({ viewport: { width: 360, height: 640 } });
  await open(page, url);
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
  check('a narrow screen needs no scrolling sideways', await fits());
  for (const menu of ['view-menu', 'export-menu']) {
    await page.click(`#${menu} summary`);
    const box = await page.locator(`#${menu} > div`).boundingBox();
    check(`${menu} stays on it`, box.x >= 0 && box.x + box.width <= 360, box);
    await page.click(`#${menu} summary`);
  }
  await checkAxe(page, 'narrow');
  await press(page, 't');
  check('nor does the table', await fits());
  await page.goto(url.replace('flamegraph', 'top'));
  check('nor does top', await fits());
}

async function diff() {
  const page = await newPage();
  const url = await serve('-diff_base', makeProfile('before'), makeProfile('after'));
  await open(page, url + '/ui/flamegraph');
  check('a diff is coloured by change', (await page.inputValue('#colour')) === 'change' && (await page.textContent('#legend')).includes('more'), await page.textContent('#legend'));
  await press(page, 'ArrowDown', 'ArrowDown', 'ArrowDown');
  const texts = await items(page);
  const has = async (text) => (await items(page)).some((item) => item.startsWith(text));
  check('what is more says by how much, and of what', await has('slower, +400ms (44.44% of the base) · 200ms before, 600ms after'), await items(page));
  check('what is gone and what is new too', await has('gone, -300ms (-33.33% of the base) · 300ms before, 0ns after') && await has('fresh, +100ms'), await items(page));
  check('what is the same is there', await has('steady, 0ns (0.00% of the base) · 400ms before'), await items(page));
  await page.click('#view-menu summary');
  await page.check('#normal');
  await settled(page);
  check('both sides can have the same total', await has('steady, -72.73ms') && hash(page).get('norm') === '1', await items(page));
  await checkAxe(page, 'the view menu');
  await page.keyboard.press('Escape');
  await page.goto(url + '/ui/flamegraph#fn=slower');
  await page.reload();
  await settled(page);
  check('callers of what changed have both sides too', (await items(page, 'callers'))[0].startsWith('slower, +400ms (44.44% of the base) · 200ms before'), await items(page, 'callers'));
  await checkAxe(page, 'a diff');
}

async function standalone() {
  const page = await newPage();
  const file = join(TMP, 'flame.html');
  sonde('pprof', '-symbolize=none', '-flame', '-output=' + file, CPU);
  const asked = [];
  page.on('request', (request) => { if (!request.url().startsWith('file:')) asked.push(request.url()); });
  await open(page, pathToFileURL(file).href);
  check('the page of -flame runs from a file', (await focused(page)).startsWith('all, '), await items(page));
  await page.selectOption('#type', { label: 'samples' });
  await settled(page);
  check('there is no scale where there is no base', !(await page.$eval('#normal-label', (label) => label.offsetParent)));
  check('its sample type can be chosen', (await focused(page)).startsWith('all, 109 (100') && hash(page).get('si') === '0', await focused(page));
  await press(page, 'Escape');
  await page.focus('#main-tree');
  await press(page, 'ArrowDown', 'ArrowDown', 'ArrowDown', 's');
  const callees = await items(page, 'callees');
  check('callers and callees work without a server', callees[0].startsWith('parse, 92 (84.40') && callees.some((t) => t.startsWith('next_token, 62')), callees);
  await checkAxe(page, 'the page of -flame');
  check('nothing was asked of anyone', asked.length === 0 && page.errors.length === 0, [asked, page.errors]);
}

await run(async () => {
  const url = (await serve(CPU)) + '/ui/flamegraph';
  for (const part of [keyboard, mouse, search, looks, table, sandwich, pivot, zoom, frameMenu, themes, narrow]) await part(url);
  await diff();
  await standalone();
});
