import { useEffect, useState } from 'preact/hooks';
import { get, type Page } from './api.ts';
import { type Loaded, useLoaded } from './load.ts';

/** A paged list: the pages loaded so far, and a way to load more. */
export interface PagedList<Item> {
  readonly items: readonly Item[];
  readonly first: Loaded<Page<Item>>;
  readonly hasMore: boolean;
  more(): Promise<void>;
}

type Query = Readonly<Record<string, string | number | undefined>>;

/** Requests the first page when a view opens or its query changes. A list stays the same until somebody asks again. */
export function usePagedList<Item>(path: string, query: Query): PagedList<Item> {
  const first = useLoaded((signal) => get<Page<Item>>(path, query, signal), [path, JSON.stringify(query)]);
  const [later, setLater] = useState<readonly Page<Item>[]>([]);
  const { value } = first;
  useEffect(() => setLater([]), [value]);
  const pages = value === undefined ? [] : [value, ...later];
  const cursor = pages.at(-1)?.nextCursor;
  return {
    items: pages.flatMap(({ items }) => items),
    first,
    hasMore: cursor !== undefined,
    async more() {
      if (cursor === undefined) return;
      const next = await get<Page<Item>>(path, { ...query, cursor });
      setLater((before) => [...before, next]);
    },
  };
}
