import { toggleLive } from './live.ts';
import { goTo } from './router.ts';
import { createStore } from './store.ts';
import { toggleTheme } from './theme.ts';

/** The dialog opened by a key, if any. */
export const openBox = createStore<'jump' | 'help' | undefined>(undefined);

const storageKey = 'millrace.single-keys';
/** Single keys can be turned off, for users of speech input. */
export const singleKeys = createStore(localStorage.getItem(storageKey) !== 'off');

export function setSingleKeys(isOn: boolean): void {
  localStorage.setItem(storageKey, isOn ? 'on' : 'off');
  singleKeys.set(isOn);
}

/** The keys and their actions, for the list that `?` opens. */
export const shortcutList: readonly (readonly [keys: string, does: string])[] = [
  ['/', 'jump to a key'],
  ['g o', 'overview'],
  ['g d', 'dead letters'],
  ['g p', 'pipelines'],
  ['g t', 'timers'],
  ['g f', 'fleet'],
  ['g a', 'audit'],
  ['j  k', 'next, previous row'],
  ['Enter', 'open'],
  ['x', 'choose'],
  ['Shift x', 'choose all of the list'],
  ['r', 'redrive'],
  ['z', 'undo'],
  ['p', 'park or pause, resume'],
  ['l', 'live on or off'],
  ['t', 'light or dark'],
  ['← →', 'step through the timeline'],
  ['↑ ↓', 'change its lane'],
  ['Esc', 'close, clear'],
  ['?', 'this list'],
];

const places: Readonly<Record<string, readonly string[]>> = {
  o: [],
  d: ['dead-letters'],
  p: ['pipelines'],
  t: ['timers'],
  f: ['fleet'],
  a: ['audit'],
};

const pressed: Readonly<Record<string, () => void>> = {
  '/': () => openBox.set('jump'),
  '?': () => openBox.set('help'),
  l: toggleLive,
  t: toggleTheme,
  j: () => moveRow(1),
  k: () => moveRow(-1),
  x: () => currentRow()?.querySelector<HTMLInputElement>('input[type=checkbox]')?.click(),
  X: () => document.querySelector<HTMLInputElement>('[data-choose-all]')?.click(),
};

/** Listens to single keys for the life of the page. */
export function listenToKeys(): void {
  let isGoing = false;
  addEventListener('keydown', (event) => {
    if (!singleKeys.get() || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const to = isGoing ? places[event.key] : undefined;
    isGoing = event.key === 'g';
    const act = to === undefined ? (pressed[event.key] ?? buttonOf(event.key)) : () => goTo(to);
    if (act === undefined) return;
    event.preventDefault();
    act();
  });
}

/** A view's buttons declare which key presses them. */
function buttonOf(key: string): (() => void) | undefined {
  if (key.length !== 1) return undefined;
  const button = document.querySelector<HTMLButtonElement>(`[data-shortcut="${CSS.escape(key)}"]:not([disabled])`);
  return button === null ? undefined : () => button.click();
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.closest('input:not([type=checkbox]), textarea, select, dialog') !== null || target.isContentEditable)
  );
}

function rows(): readonly HTMLElement[] {
  return Array.from(document.querySelectorAll<HTMLElement>('main [data-row]'));
}

function currentRow(): HTMLElement | undefined {
  return rows().find((row) => row.contains(document.activeElement));
}

function moveRow(by: number): void {
  const all = rows();
  const present = currentRow();
  const at = present === undefined ? (by > 0 ? 0 : all.length - 1) : all.indexOf(present) + by;
  const row = all[Math.min(Math.max(at, 0), all.length - 1)];
  row?.querySelector<HTMLElement>('a, button')?.focus();
}
