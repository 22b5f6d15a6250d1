import { createStore } from './store.ts';

type Theme = 'light' | 'dark';
const storageKey = 'millrace.theme';

function systemTheme(): Theme {
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

function stored(): Theme | undefined {
  const theme = localStorage.getItem(storageKey);
  return theme === 'light' || theme === 'dark' ? theme : undefined;
}

/** The theme in force: the chosen one, otherwise the system's. */
export const theme = createStore<Theme>(stored() ?? systemTheme());

function show(chosen: Theme): void {
  document.documentElement.dataset.theme = chosen;
}

show(theme.get());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  if (stored() !== undefined) return;
  theme.set(systemTheme());
  show(theme.get());
});

export function toggleTheme(): void {
  const next = theme.get() === 'dark' ? 'light' : 'dark';
  localStorage.setItem(storageKey, next);
  theme.set(next);
  show(next);
}
