// @ts-check
// The menu of saved configurations, as google/pprof has it: load one, save the present filters and
// options under a name, delete one. The server keeps them in the file that Go's pages use too.

import { makeDisclosure } from './menu.js';

/** @typedef {{name: string, url: string, current: boolean, user: boolean}} Config */
/** @typedef {{list: HTMLElement, name: HTMLInputElement, said: HTMLOutputElement}} ConfigMenu */

const SERVER = '/ui/';

/** @param {string} action @param {string} name */
function changeUrl(action, name) {
  const params = new URLSearchParams(location.search);
  params.set('config', name);
  return SERVER + action + '?' + params.toString();
}

/** @param {string} action @param {string} name @param {ConfigMenu} menu */
async function changeConfigs(action, name, menu) {
  const response = await fetch(changeUrl(action, name), { method: 'POST' });
  menu.said.textContent = response.ok ? '' : (await response.text()).trim();
  await fillConfigs(menu);
  menu.name.focus(); // the button that was pressed may be gone
}

/** @param {Config} config @param {ConfigMenu} menu */
function configItem(config, menu) {
  const item = document.createElement('li');
  const link = document.createElement('a');
  link.href = location.pathname + config.url;
  link.textContent = config.name;
  if (config.current) link.setAttribute('aria-current', 'true');
  item.append(link);
  if (!config.user) return item;
  const remove = document.createElement('button');
  remove.type = 'button';
  remove.textContent = '×';
  remove.setAttribute('aria-label', 'Delete ' + config.name);
  remove.addEventListener('click', () => {
    if (confirm('Delete the configuration ' + config.name + '?')) changeConfigs('deleteconfig', config.name, menu);
  });
  item.append(remove);
  return item;
}

/** @param {ConfigMenu} menu */
async function fillConfigs(menu) {
  const response = await fetch(SERVER + 'configs.json' + location.search);
  if (!response.ok) {
    menu.said.textContent = (await response.text()).trim();
    return;
  }
  const configs = /** @type {Config[]} */ (await response.json());
  menu.list.replaceChildren(...configs.map((config) => configItem(config, menu)));
}

/** @param {ConfigMenu} menu */
function saveForm(menu) {
  const form = document.createElement('form');
  const button = document.createElement('button');
  menu.name.required = true;
  menu.name.setAttribute('aria-label', 'Name of the configuration');
  menu.name.placeholder = 'name';
  button.textContent = 'Save as';
  form.append(menu.name, button);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    changeConfigs('saveconfig', menu.name.value, menu);
  });
  return form;
}

/** Puts the menu into the navigation. It asks the server when it is opened, not before. */
export function startConfigs() {
  const nav = document.querySelector('nav.pages');
  if (!nav) return;
  const details = document.createElement('details');
  const summary = document.createElement('summary');
  const box = document.createElement('div');
  const menu = { list: document.createElement('ul'), name: document.createElement('input'), said: document.createElement('output') };
  details.className = 'menu configs';
  summary.textContent = 'Configurations';
  box.append(menu.list, saveForm(menu), menu.said);
  details.append(summary, box);
  details.addEventListener('toggle', () => {
    if (details.open) fillConfigs(menu);
  });
  makeDisclosure(details);
  nav.insertBefore(details, nav.querySelector('.note'));
}
