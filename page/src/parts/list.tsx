import type { ComponentChildren } from 'preact';
import { countOf, countText } from '../lib/format.ts';
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

/** A list with a way to load its next page, and changes since. */
export function List<Item>({ list, noun, nouns, empty, changed, children }: ListProps<Item>) {
  const { items, before, first, hasMore, more, earlier } = list;
  return (
    <>
      <Answer of={first}>{() => (items.length === 0 ? <div class="empty">{empty}</div> : children(items))}</Answer>
      {first.value !== undefined && (
        <footer>
          <span>
            {items.length > 0 && `${shownText(before, items.length, noun, nouns)}${hasMore ? ', and more' : ''}. `}
            {changed}
          </span>
          <span class="tools">
            <button type="button" class="button plain" onClick={first.again}>
              Look again
            </button>
            {before > 0 && (
              <button type="button" class="button" onClick={earlier}>
                Previous 20
              </button>
            )}
            {hasMore && (
              <button type="button" class="button" onClick={() => void more()}>
                Next 20
              </button>
            )}
          </span>
        </footer>
      )}
    </>
  );
}

/** How many are shown, and which of them where some stand before. */
function shownText(before: number, count: number, noun: string, nouns: string | undefined): string {
  if (before === 0) return countOf(count, noun, nouns);
  return `${countText(before + 1)} to ${countText(before + count)} of ${countOf(before + count, noun, nouns)}`;
}
