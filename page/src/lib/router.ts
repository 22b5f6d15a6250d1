import { createStore, useStore } from './store.ts';

/** The reader's location: the segments of the path, and the query. */
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

/** Returns the address of a view. Parameters without a value are left out. */
export function hrefOf(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const entries = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '');
  const search = entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`;
  return `#/${path.map(encodeURIComponent).join('/')}${search}`;
}

export function goTo(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): void {
  location.hash = hrefOf(path, query);
}

/** Changes the query, without adding a history entry. */
export function setQuery(change: Readonly<Record<string, string | undefined>>): void {
  const { path, query } = place.get();
  history.replaceState(null, '', hrefOf(path, { ...query, ...change }));
  place.set(read());
}
