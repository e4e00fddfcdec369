// @ts-check
// Menus as ARIA knows them: arrows move, a letter jumps, Escape goes back to where one was.

/** @typedef {{label: string, run: () => void} | {label: string, href: string} | null} Entry null: a line between */

/** @type {() => void} */
let closeOpenMenu = () => {};

/** @param {Exclude<Entry, null>} entry */
function makeEntry(entry) {
  const item = document.createElement('href' in entry ? 'a' : 'button');
  if (item instanceof HTMLAnchorElement && 'href' in entry) item.href = entry.href;
  if (item instanceof HTMLButtonElement) item.type = 'button';
  item.setAttribute('role', 'menuitem');
  item.tabIndex = -1;
  item.textContent = entry.label;
  item.addEventListener('click', () => {
    closeOpenMenu();
    if ('run' in entry) entry.run();
  });
  return item;
}

/** @param {HTMLElement} menu @param {KeyboardEvent} event */
function moveInMenu(menu, event) {
  const items = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll('[role=menuitem]')]);
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const n = items.length;
  const letter = event.key.length === 1 ? event.key.toLowerCase() : '';
  let next = -1;
  if (event.key === 'ArrowDown') next = (at + 1) % n;
  else if (event.key === 'ArrowUp') next = (at - 1 + n) % n;
  else if (event.key === 'Home') next = 0;
  else if (event.key === 'End') next = n - 1;
  else if (event.key === 'Escape' || event.key === 'Tab') closeOpenMenu();
  else if (letter.trim()) next = items.findIndex((item, i) => i > at && item.textContent?.toLowerCase().startsWith(letter));
  else return;
  event.preventDefault();
  event.stopPropagation();
  if (next >= 0) items[next].focus();
}

/** Opens a menu at a place on the screen. @param {string} label @param {Entry[]} entries @param {number} x @param {number} y */
export function openMenu(label, entries, x, y) {
  closeOpenMenu();
  const before = document.activeElement;
  const menu = document.createElement('div');
  menu.className = 'popup';
  menu.setAttribute('role', 'menu');
  menu.setAttribute('aria-label', label);
  for (const entry of entries) menu.append(entry ? makeEntry(entry) : makeLine());
  menu.addEventListener('keydown', (event) => moveInMenu(menu, event));
  /** @param {MouseEvent} event */
  const outside = (event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) closeOpenMenu();
  };
  closeOpenMenu = () => {
    closeOpenMenu = () => {};
    document.removeEventListener('mousedown', outside);
    menu.remove();
    if (before instanceof HTMLElement || before instanceof SVGElement) before.focus({ preventScroll: true });
  };
  document.addEventListener('mousedown', outside);
  document.body.append(menu);
  menu.style.left = Math.max(4, Math.min(x, window.innerWidth - menu.offsetWidth - 4)) + 'px';
  menu.style.top = Math.max(4, Math.min(y, window.innerHeight - menu.offsetHeight - 4)) + 'px';
  const first = menu.querySelector('[role=menuitem]');
  if (first instanceof HTMLElement) first.focus();
}

function makeLine() {
  const line = document.createElement('div');
  line.setAttribute('role', 'separator');
  return line;
}

/** A <details> that is a menu closes by Escape and by a click elsewhere. @param {HTMLDetailsElement} details */
export function makeDisclosure(details) {
  document.addEventListener('mousedown', (event) => {
    if (!details.contains(/** @type {Node} */ (event.target))) details.open = false;
  });
  details.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !details.open) return;
    details.open = false;
    event.stopPropagation();
    const summary = details.querySelector('summary');
    if (summary) summary.focus();
  });
}
