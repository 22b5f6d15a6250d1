import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, type Page } from './api.ts';
import { type Loaded, useLoaded } from './load.ts';

/** A paged list: the items loaded so far, and a way to load more. */
export interface PagedList<Item> {
  readonly items: readonly Item[];
  readonly first: Loaded<Page<Item>>;
  readonly hasMore: boolean;
  /** True once the reader has asked for more than the first page; the list then loads more as it is scrolled. */
  readonly isGoing: boolean;
  /** The reason the last page could not be loaded. */
  readonly error: Error | undefined;
  /** Loads the next page. One call at a time has an effect. */
  more(): Promise<void>;
}

/** Items in each page after the first: the server's maximum. */
const pageSize = 100;

type Query = Readonly<Record<string, string | number | undefined>>;

/** The pages after the first one, and the first page they belong to. */
interface Later<Item> {
  readonly after: Page<Item> | undefined;
  readonly items: readonly Item[];
  readonly cursor: string | undefined;
  readonly error: Error | undefined;
}

/** Requests the first page when a view opens or its query changes. A list stays the same until the reader refreshes it. */
export function usePagedList<Item>(path: string, query: Query): PagedList<Item> {
  const first = useLoaded((signal) => get<Page<Item>>(path, query, signal), [path, JSON.stringify(query)]);
  const { value } = first;
  const [stored, setLater] = useState<Later<Item>>();
  // Pages that followed an earlier first page belong to a list that is no longer shown.
  const later = stored !== undefined && stored.after === value ? stored : undefined;
  const present = useRef(value);
  present.current = value;
  const isLoading = useRef(false);
  useEffect(() => {
    isLoading.current = false;
  }, [value]);
  const cursor = later === undefined ? value?.nextCursor : later.cursor;
  const items = useMemo(() => [...(value?.items ?? []), ...(later?.items ?? [])], [value, later?.items]);
  const more = useCallback(async () => {
    if (isLoading.current || cursor === undefined) return;
    isLoading.current = true;
    const before = later?.items ?? [];
    let next: Later<Item>;
    try {
      const page = await get<Page<Item>>(path, { ...query, limit: pageSize, cursor });
      next = { after: value, items: [...before, ...page.items], cursor: page.nextCursor, error: undefined };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      next = { after: value, items: before, cursor, error };
    }
    if (present.current !== value) return;
    isLoading.current = false;
    setLater(next);
  }, [path, JSON.stringify(query), value, later, cursor]);
  return { items, first, hasMore: cursor !== undefined, isGoing: later !== undefined, error: later?.error, more };
}
