import type { ComponentChildren, VNode } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { hrefOf } from '../lib/router.ts';
import { Glyph, type GlyphName } from './glyph.tsx';
import { Rows, wholeMax } from './rows.tsx';
import { Wide } from './wide.tsx';

/** The head of a column: its name, optionally with right-aligned contents, or hidden except from screen readers. */
export type ColumnHead = string | readonly [name: string, form: 'right' | 'hidden'];

interface TableProps<Item> {
  readonly heads: readonly ColumnHead[];
  /** True if nothing in it takes the keyboard focus. */
  readonly isText?: boolean;
  readonly items: readonly Item[];
  readonly row: (item: Item) => VNode;
}

/** A table with column heads, which scrolls if it is too wide. A long one keeps only the rows near the window in the document. */
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
              <th key={name} scope="col" class={form === 'right' ? 'right' : undefined}>
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

/** Keeps the columns of a long table as wide as its first rows made them, so that they do not move as rows come and go. */
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
  /** Shown instead of the whole name. */
  readonly children?: ComponentChildren;
}

/** A key, as a link to its view. */
export function KeyLink({ pipeline, name, glyph, children = name }: KeyLinkProps) {
  const link = (
    <a class="link mono" href={hrefOf(['pipelines', pipeline, 'keys', name])}>
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
