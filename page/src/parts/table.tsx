import type { ComponentChildren, VNode } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { hrefOf } from '../lib/router.ts';
import { Glyph, type GlyphName } from './glyph.tsx';
import { Rows, wholeMax } from './rows.tsx';
import { Wide } from './wide.tsx';

/**
 * The head of a column: its name and form.
 *
 * - `right`: the column is aligned to the right.
 * - `narrow-hidden`: a phone has no room for the column; its cells have the same class.
 * - `hidden`: only screen readers announce the name.
 */
export type ColumnHead = string | readonly [name: string, form: 'right' | 'narrow-hidden' | 'right narrow-hidden' | 'hidden'];

interface TableProps<Item> {
  readonly heads: readonly ColumnHead[];
  /** True if it contains nothing that takes the keyboard focus. */
  readonly isText?: boolean;
  readonly items: readonly Item[];
  readonly row: (item: Item) => VNode;
}

/** A table that scrolls sideways where it is too wide. A long table keeps only the rows near the window in the document. */
export function Table<Item>({ heads, isText = false, items, row }: TableProps<Item>) {
  const element = useRef<HTMLTableElement>(null);
  const isLong = items.length > wholeMax;
  useSteadyColumns(element, isLong);
  const table = (
    <table ref={element} aria-rowcount={isLong ? items.length + 1 : undefined}>
      <thead>
        <tr>
          {heads.map((head) => {
            const [name, form] = typeof head === 'string' ? [head] : head;
            return (
              <th key={name} scope="col" class={form === 'hidden' ? undefined : form}>
                {form === 'hidden' ? <span class="hidden-text">{name}</span> : name}
              </th>
            );
          })}
        </tr>
      </thead>
      <Rows items={items} columns={heads.length} row={row} />
    </table>
  );
  return isText ? <Wide>{table}</Wide> : <div class="scroll">{table}</div>;
}

/** Fixes the column widths that the first rows of a long table need, so that columns do not move as rows come and go. */
function useSteadyColumns(element: { readonly current: HTMLTableElement | null }, isLong: boolean): void {
  useLayoutEffect(() => {
    const table = element.current;
    if (table === null || !isLong) return;
    const heads = [...table.querySelectorAll<HTMLElement>('thead th')];
    const keep = () => {
      table.style.tableLayout = '';
      for (const head of heads) head.style.width = '';
      const widths = heads.map((head) => head.getBoundingClientRect().width);
      for (const [at, head] of heads.entries()) head.style.width = `${widths[at]}px`;
      table.style.tableLayout = 'fixed';
    };
    keep();
    addEventListener('resize', keep);
    return () => {
      removeEventListener('resize', keep);
      table.style.tableLayout = '';
      for (const head of heads) head.style.width = '';
    };
  }, [isLong]);
}

interface KeyLinkProps {
  readonly pipeline: string;
  readonly name: string;
  readonly glyph?: GlyphName;
  /** The text of the link; the key's name by default. */
  readonly children?: ComponentChildren;
}

/** A link to the view of a key. */
export function KeyLink({ pipeline, name, glyph, children = name }: KeyLinkProps) {
  const link = (
    <a class="link mono key-name" href={hrefOf(['pipelines', pipeline, 'keys', name])}>
      {children}
    </a>
  );
  return glyph === undefined ? (
    link
  ) : (
    <span class="state">
      <Glyph name={glyph} />
      {link}
    </span>
  );
}
