import type { ComponentChildren } from 'preact';
import { hrefOf } from '../lib/router.ts';
import { Glyph, type GlyphName } from './glyph.tsx';
import { Wide } from './wide.tsx';

/** The head of a column: its name, and that what it has stands at the right, or that the name is only heard. */
export type ColumnHead = string | readonly [name: string, form: 'right' | 'hidden'];

interface TableProps {
  readonly heads: readonly ColumnHead[];
  /** Whether there is nothing in it that the keyboard comes to. */
  readonly isText?: boolean;
  readonly children: ComponentChildren;
}

/** A table with its heads, which scrolls where it is too wide. */
export function Table({ heads, isText = false, children }: TableProps) {
  const table = (
    <table>
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
      <tbody>{children}</tbody>
    </table>
  );
  return isText ? <Wide>{table}</Wide> : <div class="scroll">{table}</div>;
}

interface KeyLinkProps {
  readonly pipeline: string;
  readonly name: string;
  readonly glyph?: GlyphName;
  /** What stands there in place of the whole name. */
  readonly children?: ComponentChildren;
}

/** A key, which leads to its view. */
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
