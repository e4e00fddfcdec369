// @ts-check
// What the pages beside the flame graph can do only with a script: the theme, saved configurations,
// looking around in the graph. Without it they are whole all the same.

import { applyTheme, toggleTheme } from '../common/theme.js';
import { startConfigs } from '../common/configs.js';
import { startGraph } from './graph.js';

function startTheme() {
  const nav = document.querySelector('nav.pages');
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Dark or light';
  button.addEventListener('click', toggleTheme);
  if (nav) nav.insertBefore(button, nav.querySelector('.note'));
}

/** Filters that are not set stay out of the address. */
function startForm() {
  const form = document.querySelector('nav.pages form');
  form?.addEventListener('submit', () => {
    for (const input of form.querySelectorAll('input')) input.disabled = !input.value;
    setTimeout(() => { for (const input of form.querySelectorAll('input')) input.disabled = false; });
  });
}

applyTheme();
startForm();
startConfigs();
startTheme();
startGraph();
