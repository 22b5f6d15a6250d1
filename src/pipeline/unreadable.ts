import type { FoundValue } from './table.ts';

/** A column of a row whose value in the database cannot be of the type that the table declares. */
export interface UnreadableColumn {
  readonly column: string;
  /** What the column can hold, and what was found there. */
  readonly message: string;
}

/** A column with its value as the database holds it. */
export interface FoundColumn extends UnreadableColumn {
  readonly found: FoundValue;
}

const unreadable = Symbol('unreadable columns');

type MarkedRow = { readonly [unreadable]?: readonly FoundColumn[] };

/** Remembers which columns of a row show a placeholder. The row looks as any other: copies of it do not remember. */
export function markUnreadable(row: object, columns: readonly FoundColumn[]): void {
  Object.defineProperty(row, unreadable, { value: columns });
}

/**
 * The columns of a row that `mill.query` could not read, each with what was expected and found; none for nearly every row.
 * Somebody's SQL can put values into a table that no handler could: an integer beyond 2⁵³, infinity, text that is no JSON.
 * Such a column shows a placeholder of its type, and the rest of the row is as it should be.
 *
 * ```ts
 * for (const row of await mill.query(accounts).selectAll().execute()) {
 *   for (const { column, message } of unreadableColumns(row)) console.warn(`${row.id}: ${column}: ${message}`);
 *   // a: tokens: expected an integer from -9007199254740991 to 9007199254740991, found 9007199254740994
 * }
 * ```
 */
export function unreadableColumns(row: unknown): readonly UnreadableColumn[] {
  return foundColumnsOf(row).map(({ column, message }) => ({ column, message }));
}

/** The column as the database holds it, if it could not be read. */
export function unreadableColumn(row: unknown, column: string): FoundColumn | undefined {
  return foundColumnsOf(row).find((one) => one.column === column);
}

function foundColumnsOf(row: unknown): readonly FoundColumn[] {
  return (typeof row === 'object' && row !== null && (row as MarkedRow)[unreadable]) || [];
}
