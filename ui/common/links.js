// @ts-check
// What can be done with a function on a server's pages: filters by it, and where else it is shown. All
// are links, so that they can be opened beside, copied and gone back from.

/** The expression that matches this name and no other. @param {string} name */
export function quoteName(name) {
  return '^' + name.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&') + '$';
}

/**
 * This report with one parameter changed.
 * @param {string} path '': this page @param {string} param @param {string} value
 * @param {boolean} add to what the parameter is @param {string} look what is to stand after #
 */
export function linkTo(path, param, value, add, look) {
  const params = new URLSearchParams(location.search);
  params.delete('p'); // what the flame graph shows of the report, not the report
  const before = params.get(param);
  params.set(param, add && before ? before + '|' + value : value);
  return (path || location.pathname) + '?' + params.toString() + (look && '#' + look);
}

/** @param {string} name @param {string} look of this page, kept by its filters @returns {import('./menu.js').Entry[]} */
export function functionEntries(name, look) {
  const exact = quoteName(name);
  return [
    { label: 'Focus: only stacks with it', href: linkTo('', 'f', exact, false, look) },
    { label: 'Ignore: no stacks with it', href: linkTo('', 'i', exact, true, look) },
    { label: 'Hide: its frames', href: linkTo('', 'h', exact, true, look) },
    { label: 'Show from here on', href: linkTo('', 'sf', exact, false, look) },
    null,
    { label: 'Source', href: linkTo('source', 'f', exact, false, '') },
    { label: 'Disassembly', href: linkTo('disasm', 'f', exact, false, '') },
    { label: 'Callers and callees by line', href: linkTo('peek', 'f', exact, false, '') },
  ];
}
