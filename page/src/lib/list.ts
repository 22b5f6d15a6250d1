import { useEffect, useState } from 'preact/hooks';
import { get, type Page } from './api.ts';
import { type Loaded, useLoaded } from './load.ts';

/** A paged list: the pages loaded so far, and a way to load more. */
export interface PagedList<Item> {
  /** Those that are shown. */
  readonly items: readonly Item[];
  readonly first: Loaded<Page<Item>>;
  /** How many stand before those that are shown. */
  readonly before: number;
  readonly hasMore: boolean;
  more(): Promise<void>;
  earlier(): void;
}

/** Pages that are shown at once: a long list keeps its rows, but the document has a window of them. */
const pagesMax = 5;

type Query = Readonly<Record<string, string | number | undefined>>;

/** Requests the first page when a view opens or its query changes. A list stays the same until somebody asks again. */
export function usePagedList<Item>(path: string, query: Query): PagedList<Item> {
  const first = useLoaded((signal) => get<Page<Item>>(path, query, signal), [path, JSON.stringify(query)]);
  const [later, setLater] = useState<readonly Page<Item>[]>([]);
  const [start, setStart] = useState(0);
  const { value } = first;
  useEffect(() => {
    setLater([]);
    setStart(0);
  }, [value]);
  const pages = value === undefined ? [] : [value, ...later];
  const end = Math.min(pages.length, start + pagesMax);
  const cursor = pages.at(-1)?.nextCursor;
  const showUpTo = (page: number) => setStart(Math.max(0, page - pagesMax));
  return {
    items: pages.slice(start, end).flatMap(({ items }) => items),
    before: pages.slice(0, start).reduce((count, { items }) => count + items.length, 0),
    first,
    hasMore: end < pages.length || cursor !== undefined,
    async more() {
      if (end < pages.length) return showUpTo(end + 1);
      if (cursor === undefined) return;
      const next = await get<Page<Item>>(path, { ...query, cursor });
      setLater((before) => [...before, next]);
      showUpTo(pages.length + 1);
    },
    earlier: () => setStart((page) => Math.max(0, page - 1)),
  };
}
