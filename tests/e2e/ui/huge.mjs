// 500,000 distinct stacks: the page has what a screen shows, the rest comes when it is asked for, and
// sums stay exact whatever is shown.
import { check, checkAxe, focused, items, makeProfile, newPage, open, press, run, serve, settled } from './harness.mjs';

/** What the table twin sums, from what is shown: flat values over all rows and groups. */
function shownSum(page) {
  return page.evaluate(() => JSON.parse(document.getElementById('data').textContent).self[1].reduce((a, b) => a + b, 0));
}

async function firstLook(page, url) {
  const sizes = [];
  page.on('response', async (response) => sizes.push([response.url(), (await response.body().catch(() => '')).length]));
  await open(page, url + '/ui/flamegraph');
  const data = await page.evaluate(() => {
    const { depth, more, frames } = JSON.parse(document.getElementById('data').textContent);
    return { shown: depth.length, left: more.reduce((a, b) => a + b, 0), groups: more.filter(Boolean).length, frames };
  });
  check('what is sent is under 2 MB', sizes.every(([, size]) => size < 2e6), sizes);
  check('frames shown and left out are all there are', data.shown - data.groups + data.left === data.frames && data.frames > 3e6, data);
  check('their sum is that of 500,000 samples', (await shownSum(page)) === 500000 * 1e7, await shownSum(page));
}

/** Goes down to the first "… more" and opens it. */
async function openMore(page) {
  for (let i = 0; i < 40 && !(await focused(page)).startsWith('…'); i++) {
    const before = await focused(page);
    const siblings = await items(page);
    if (siblings.some((text) => text.startsWith('…'))) {
      for (let k = 0; k < 150 && !(await focused(page)).startsWith('…'); k++) await page.keyboard.press('ArrowRight');
    }
    if ((await focused(page)).startsWith('…')) break;
    await page.keyboard.press('ArrowDown');
    if ((await focused(page)) === before) break;
  }
  const group = await focused(page);
  check('a "… more" says how many and what share', /^… [\d,]+ more \(\d+\.\d\d%\), /.test(group), group);
  await press(page, 'Enter');
  check('Enter shows what is in it', new URL(page.url()).hash.includes('x=') && !(await items(page)).includes(group), [group, page.url()]);
}

async function deeper(page) {
  const openBefore = new URLSearchParams(new URL(page.url()).hash.slice(1)).get('x').split(',').length;
  await press(page, 'Enter');
  for (let i = 0; i < 3; i++) await press(page, 'ArrowDown', 'Enter');
  const path = await page.textContent('#crumbs');
  const ids = new URLSearchParams(new URL(page.url()).hash.slice(1)).get('x').split(',').length;
  check('a frame shown alone brings what was left out below it', ids > openBefore, page.url());
  await page.reload();
  await settled(page);
  check('the address holds how far one came', (await page.textContent('#crumbs')) === path && path.split('›').length > 3, [path, await page.textContent('#crumbs')]);
  await page.goBack();
  await settled(page);
  check('back goes one step', (await page.textContent('#crumbs')) !== path, path);
}

async function around(page, url) {
  await open(page, url + '/ui/flamegraph#fn=pkg5::part5::work5');
  const callers = await items(page, 'callers');
  const callees = await items(page, 'callees');
  check('callers and callees of all occurrences', callers.length > 1 && callees.length > 1 && callers[0].split(' (')[0] === callees[0].split(' (')[0], [callers.slice(0, 3), callees.slice(0, 3)]);
  await checkAxe(page, 'callers and callees in a huge profile');
}

await run(async () => {
  const url = await serve(makeProfile('huge'));
  const page = await newPage();
  await firstLook(page, url);
  await openMore(page);
  await deeper(page);
  await around(page, url);
  await open(page, url + '/ui/flamegraph#view=table');
  await page.reload();
  await settled(page);
  const caption = await page.textContent('#table caption');
  check('the table says how much it does not show', /functions; [\d.]+\w+ \(\d+\.\d\d%\) is in frames left out/.test(caption), caption);
  await press(page, 't');
  await page.fill('#search', 'work5$');
  await settled(page);
  check('and a search that it may have missed some', /^\d+ frames, ≥ \d/.test(await page.textContent('#found')), await page.textContent('#found'));
  check('no error was met', page.errors.length === 0, page.errors);
});
