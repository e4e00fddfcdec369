// What the browser's suites share: a server of sonde's, a page that notes every error, TAP.
import { createRequire } from 'node:module';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { SONDE, SOURCE, NODE_HOME } = process.env;
const require = createRequire(join(NODE_HOME, 'package.json'));
const { chromium } = require('playwright-core');
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const TMP = mkdtempSync(join(tmpdir(), 'sonde-ui-'));
export const CPU = join(SOURCE, 'tests/golden/pprof/inputs/cpu.pb.gz');
const ENV = { PATH: process.env.PATH, HOME: TMP, TZ: 'UTC' };

let count = 0;
let failed = 0;

export function check(name, ok, detail) {
  count++;
  if (!ok) failed++;
  console.log(`${ok ? '' : 'not '}ok ${count} - ${name}`);
  if (!ok && detail !== undefined) console.log('# ' + JSON.stringify(detail)?.slice(0, 1500));
}

export function sonde(...args) {
  return execFileSync(SONDE, args, { env: ENV, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
}

/** A profile of tests/e2e/ui/profiles.py. */
export function makeProfile(kind) {
  const path = join(TMP, kind + '.pb.gz');
  writeFileSync(path, execFileSync('python3', [join(SOURCE, 'tests/e2e/ui/profiles.py'), kind], { maxBuffer: 1 << 28 }));
  return path;
}

const servers = [];

export function serve(...args) {
  const child = spawn(SONDE, ['pprof', '-symbolize=none', '-no_browser', '-http=localhost:', ...args], { env: ENV });
  servers.push(child);
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (data) => {
      said += data;
      const url = said.match(/http:\S+\n/);
      if (url) resolve(url[0].trim());
    });
    child.on('exit', (code) => reject(new Error(`sonde pprof ended with ${code}: ${said}`)));
  });
}

let browser;

/** A page of its own context. `errors` has all that went wrong in it, the policy's refusals too. */
export async function newPage(options = {}) {
  browser ??= await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, acceptDownloads: true, ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  page.errors = [];
  page.on('console', (message) => { if (message.type() === 'error') page.errors.push(message.text()); });
  page.on('pageerror', (error) => page.errors.push(String(error)));
  page.on('dialog', (dialog) => dialog.accept());
  return page;
}

/** Opens a flame graph and waits until it is drawn. */
export async function open(page, url) {
  await page.goto(url);
  await settled(page);
}

export async function settled(page) {
  await page.waitForSelector('body[aria-busy="false"]', { timeout: 60000 });
}

export async function press(page, ...keys) {
  for (const key of keys) {
    await page.keyboard.press(key);
    await settled(page);
  }
}

/** The item of the frame that has the focus. */
export function focused(page, side = 'main') {
  return page.textContent(`#${side}-tree [aria-selected="true"]`);
}

export function items(page, side = 'main') {
  return page.$$eval(`#${side}-tree [role="treeitem"]`, (all) => all.map((item) => item.textContent));
}

export async function seriousFindings(page) {
  await page.evaluate(axeSource);
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return result.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => ({ id: v.id, nodes: v.nodes.slice(0, 4).map((n) => n.html.slice(0, 160) + ' ' + n.any.map((a) => a.message).join(' ').slice(0, 160)) }));
}

export async function checkAxe(page, what) {
  const findings = await seriousFindings(page);
  check(`axe finds nothing serious: ${what}`, findings.length === 0, findings);
}

/** Runs a suite: its last line and its exit code are right whatever happens in it. */
export async function run(suite) {
  try {
    await suite();
  } catch (error) {
    check('the suite came to its end', false, String(error && error.stack || error));
  }
  if (browser) await browser.close();
  for (const child of servers) {
    child.removeAllListeners('exit');
    child.kill('SIGINT');
  }
  rmSync(TMP, { recursive: true, force: true });
  console.log(`1..${count}`);
  process.exitCode = failed ? 1 : 0;
}
