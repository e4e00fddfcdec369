// @ts-check
// Dark or light: the system's choice until one was made here, which is then kept.

const THEME_KEY = 'sonde-theme';

export function applyTheme() {
  try {
    const theme = localStorage.getItem(THEME_KEY);
    if (theme) document.documentElement.dataset.theme = theme;
  } catch {
    // A page opened from a file may have no storage: the system's theme it is.
  }
}

export function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : window.matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  try {
    localStorage.setItem(THEME_KEY, root.dataset.theme);
  } catch {
    // The choice lasts as long as the page.
  }
}
