import { createStore, useStore } from './store.ts';

/** Where the reader is: the segments of the path, and what stands behind it. */
export interface Place {
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

function read(): Place {
  const [path = '', search = ''] = location.hash.replace(/^#/, '').split('?', 2);
  const segments = path.split('/').filter((segment) => segment !== '');
  return { path: segments.map(decodeURIComponent), query: Object.fromEntries(new URLSearchParams(search)) };
}

const place = createStore(read());
addEventListener('hashchange', () => place.set(read()));

export function usePlace(): Place {
  return useStore(place);
}

/** The address of a view. Whatever has no value is left out. */
export function hrefOf(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const entries = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '');
  const search = entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`;
  return `#/${path.map(encodeURIComponent).join('/')}${search}`;
}

export function goTo(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): void {
  location.hash = hrefOf(path, query);
}

/** Changes what stands behind the path, without a step to go back to. */
export function setQuery(change: Readonly<Record<string, string | undefined>>): void {
  const { path, query } = place.get();
  history.replaceState(null, '', hrefOf(path, { ...query, ...change }));
  place.set(read());
}
