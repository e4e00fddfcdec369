// The pages beside the flame graph: graph, configurations, what axe finds, names that want to harm.
import { CPU, check, checkAxe, makeProfile, newPage, open, run, serve, sonde } from './harness.mjs';

const VIEWS = ['top', 'graph', 'peek?f=.', 'source?f=parse', 'source', 'disasm', 'tags'];

async function views(url) {
  const page = await newPage();
  for (const view of VIEWS) {
    const response = await page.goto(url + '/ui/' + view);
    if (view === 'graph' && response.status() === 501) continue;
    check(`${view} answers`, response.status() === 200, response.status());
    await checkAxe(page, view);
  }
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(url + '/ui/top?f=parse');
  await page.click('summary:has-text("Refine")');
  await checkAxe(page, 'top, dark, with a filter and the form for more');
  check('no error was met', page.errors.length === 0, page.errors);
}

const viewBox = (page) => page.$eval('.graph svg', (svg) => svg.getAttribute('viewBox').split(/[ ,]+/).map(Number));

async function graph(url) {
  const page = await newPage();
  const response = await page.goto(url + '/ui/graph');
  if (response.status() === 501) return check('the graph needs Graphviz # SKIP dot is not installed', true);
  await page.waitForSelector('.graph.live');
  const whole = await viewBox(page);
  const expectBox = async (name, what) => {
      const box = await viewBox(page);
    check(name, what(box), [whole, box]);
    return box;
  };
  const box = await page.locator('.graph.live').boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.wheel(0, -300);
  await page.waitForFunction((w) => Number(document.querySelector('.graph svg').getAttribute('viewBox').split(/[ ,]+/)[2]) < w, whole[2]);
  const near = await expectBox('the wheel zooms', (now) => now[2] < whole[2] && Math.abs(now[2] / now[3] - whole[2] / whole[3]) < 0.02);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 - 100, box.y + box.height / 2 - 50, { steps: 4 });
  await page.mouse.up();
  await expectBox('dragging moves', (now) => now[0] > near[0] && now[1] > near[1] && now[2] === near[2]);
  await page.focus('.graph.live');
  await page.keyboard.press('0');
  await expectBox('0 shows all', (now) => now.every((n, i) => Math.abs(n - whole[i]) < 0.01));
  await page.keyboard.press('+');
  const larger = await expectBox('+ zooms', (now) => now[2] < whole[2]);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  await expectBox('arrows move', (now) => now[0] > larger[0] && now[1] > larger[1]);
  await page.keyboard.press('-');
  await expectBox('- zooms out', (now) => now[2] > larger[2]);
  await page.click('.graph-tools button:has-text("+")');
  await page.click('.graph-tools button:has-text("−")');
  await page.click('.graph-tools button:has-text("All")');
  await expectBox('buttons do the same', (now) => now.every((n, i) => Math.abs(n - whole[i]) < 0.01));
  await checkAxe(page, 'the graph, live');
  return nodes(page);
}

/** The menu of a function's box. */
async function nodes(page) {
  const node = '.graph .node[aria-label^="parse "]';
  await page.focus(node);
  await page.keyboard.press('Enter');
  check('a box has a menu', (await page.getAttribute('[role="menu"]', 'aria-label')) === 'Function parse');
  await page.keyboard.press('Escape');
  check('from which Escape goes back', await page.$eval(node, (box) => document.activeElement === box));
  check('boxes of labels have none', !(await page.$eval('#N1_0, .node[id^="N"][id*="_"]', (box) => box.hasAttribute('role'))));
  await page.click(node);
  await Promise.all([page.waitForNavigation(), page.click('[role="menuitem"]:has-text("Focus")')]);
  check('which filters', new URL(page.url()).searchParams.get('f') === '^parse$' && (await page.textContent('.chip')).startsWith('focus: ^parse$'), page.url());
  check('no error was met', page.errors.length === 0, page.errors);
}

async function configurations(url) {
  const page = await newPage();
  await page.goto(url + '/ui/top?f=parse&n=7');
  await page.click('summary:has-text("Configurations")');
  await page.waitForSelector('.configs li');
  check('there is a default', (await page.textContent('.configs li')) === 'Default', await page.textContent('.configs ul'));
  await page.fill('.configs input', 'only <parse>');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.configs li:has-text("only <parse>")');
  check('a name saves what is chosen', (await page.textContent('.configs [aria-current]')).includes('only <parse>'), await page.innerHTML('.configs ul'));
  await checkAxe(page, 'the menu of configurations');
  await open(page, url + '/ui/flamegraph');
  await page.click('summary:has-text("Configurations")');
  await page.waitForSelector('.configs li:has-text("only <parse>")');
  await Promise.all([page.waitForNavigation(), page.click('.configs a:has-text("only <parse>")')]);
  check('another view loads it', new URL(page.url()).searchParams.get('f') === 'parse' && new URL(page.url()).pathname === '/ui/flamegraph', page.url());
  await page.click('summary:has-text("Configurations")');
  await page.click('.configs button[aria-label="Delete only <parse>"]');
  await page.waitForFunction(() => document.querySelectorAll('.configs li').length === 1);
  check('it can be deleted', !(await page.textContent('.configs ul')).includes('parse'));
  await page.keyboard.press('Escape');
  check('Escape closes the menu', !(await page.$('.configs[open]')));
  check('no error was met', page.errors.length === 0, page.errors);
}

async function wrong() {
  const page = await newPage();
  const url = await serve(CPU);
  for (const view of ['flamegraph', 'top', 'graph', 'source']) {
    await page.goto(url + `/ui/${view}?f=(`);
    check(`an error in ${view} is a page`, (await page.textContent('[role="alert"]')).includes('missing closing )'), await page.content());
  }
  await checkAxe(page, 'an error');
  await page.click('summary:has-text("Refine")');
  await page.fill('input[name="f"]', 'parse');
  await Promise.all([page.waitForNavigation(), page.click('button:has-text("Apply")')]);
  check('where the mistake can be mended', page.url().endsWith('/ui/source?f=parse') && !(await page.$('[role="alert"]')), page.url());
}

async function hostile() {
  const page = await newPage();
  const url = await serve(makeProfile('hostile'));
  const dialogs = [];
  page.on('dialog', (dialog) => dialogs.push(dialog.message()));
  for (const view of ['flamegraph', 'flamegraph#view=table', 'flamegraph#fn=main', 'flamegraph?f=%3Cscript%3E', 'flamegraph#q=%3Cimg%20src=x%20onerror=alert(1)%3E', ...VIEWS, 'disasm?f=main', 'source?f=main']) {
    const response = await page.goto('about:blank').then(() => page.goto(url + '/ui/' + view));
    if (view === 'graph') check('a graph of hostile names is drawn', response.status() === 200 && (await page.$$('.graph .node')).length > 5 && await page.$eval('.graph svg', (svg) => svg.viewBox.baseVal.width < 10000), response.status());
    await page.waitForLoadState('networkidle');
    const found = await page.evaluate(() => ({ title: document.title, images: document.images.length, scripts: document.scripts.length }));
    const scripts = response.headers()['content-type'].startsWith('text/html') ? (view.startsWith('flamegraph') ? 2 : 1) : 0;
    check(`hostile names do no harm in ${view}`, found.title !== 'pwned' && found.images === 0 && found.scripts <= scripts, found);
  }
  await open(page, url + '/ui/flamegraph');
  for (const key of ['ArrowDown', 'ArrowDown', 'm', 'Escape', 's']) await page.keyboard.press(key);
  check('nor in tips, menus, headings', (await page.title()) !== 'pwned' && await page.evaluate(() => document.images.length) === 0 && dialogs.length === 0, dialogs);
  await checkAxe(page, 'hostile names');
  check('no script was refused, because none was tried', page.errors.filter((e) => !/status of (400|501)/.test(e)).length === 0, page.errors);
}

async function empty() {
  const page = await newPage();
  const url = await serve(makeProfile('empty'));
  await open(page, url + '/ui/flamegraph');
  check('a profile without samples says so', (await page.textContent('#problem')).includes('no samples of type cpu'), await page.textContent('#problem'));
  check('no error was met', page.errors.length === 0, page.errors);
}

await run(async () => {
  const url = await serve(CPU);
  for (const part of [views, graph, configurations]) await part(url);
  await wrong();
  await hostile();
  await empty();
  check('the profile it makes is one', sonde('pprof', '-top', makeProfile('hostile')).includes('main'));
});
