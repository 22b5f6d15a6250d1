import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { countOf } from '../lib/format.ts';
import type { PagedList } from '../lib/list.ts';
import { Answer } from './panel.tsx';

interface ListProps<Item> {
  readonly list: PagedList<Item>;
  readonly noun: string;
  readonly nouns?: string;
  /** Shown for an empty list. */
  readonly empty: ComponentChildren;
  /** Describes changes since the list was loaded. */
  readonly changed?: string | undefined;
  readonly children: (items: readonly Item[]) => ComponentChildren;
}

/**
 * A list with its count, changes since, and a way to load more. Once the reader has asked for more, further pages load as the end comes near,
 * and the footer stays in sight.
 */
export function List<Item>({ list, noun, nouns, empty, changed, children }: ListProps<Item>) {
  const { items, first, hasMore, isGoing, error, more } = list;
  return (
    <>
      <Answer of={first}>{() => (items.length === 0 ? <div class="empty">{empty}</div> : children(items))}</Answer>
      {isGoing && hasMore && error === undefined && <End key={items.length} reached={more} />}
      {first.value !== undefined && (
        <footer class={isGoing ? 'in-sight' : ''}>
          <span>
            {items.length > 0 && `${countOf(items.length, noun, nouns)}${hasMore ? ' so far' : isGoing ? ' in all' : ''}. `}
            {error === undefined ? changed : <span role="alert">{`The next page could not be loaded: ${error.message}`}</span>}
          </span>
          <span class="tools">
            <button type="button" class="button plain" onClick={first.again}>
              Refresh
            </button>
            {hasMore && (
              <button type="button" class="button" onClick={() => void more()}>
                Load more
              </button>
            )}
          </span>
        </footer>
      )}
    </>
  );
}

/** Distance of the list's end from the window at which the next page is loaded, in pixels. */
const aheadPx = 1_500;

/** The end of the loaded rows; notifies the list when the reader comes near. */
function End({ reached }: { readonly reached: () => Promise<void> }) {
  const element = useRef<HTMLDivElement>(null);
  const latest = useRef(reached);
  latest.current = reached;
  useEffect(() => {
    if (element.current === null) return;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting === true) void latest.current();
      },
      { rootMargin: `${aheadPx}px` },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return <div ref={element} />;
}
