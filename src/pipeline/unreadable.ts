import type { FoundValue } from './table.ts';

/** A column whose value in the database does not fit the type that the table declares. */
export interface UnreadableColumn {
  readonly column: string;
  /** The values the column can hold, and the one found. */
  readonly message: string;
}

/** A column with its value as the database holds it. */
export interface FoundColumn extends UnreadableColumn {
  readonly found: FoundValue;
}

const unreadable = Symbol('unreadable columns');

type MarkedRow = { readonly [unreadable]?: readonly FoundColumn[] };

/** Marks the columns of a row that show a placeholder. The mark is invisible and copies of the row lose it. */
export function markUnreadable(row: object, columns: readonly FoundColumn[]): void {
  Object.defineProperty(row, unreadable, { value: columns });
}

/**
 * Returns the columns of a row that `mill.query` could not read, each with the expected and the found value; empty for nearly every row.
 * Hand-written SQL can store values that no handler could: an integer beyond 2⁵³, infinity, text that is not JSON. Such a column shows a
 * placeholder of its type, and the rest of the row is unaffected.
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

/** Returns the column as the database holds it, if it could not be read. */
export function unreadableColumn(row: unknown, column: string): FoundColumn | undefined {
  return foundColumnsOf(row).find((one) => one.column === column);
}

function foundColumnsOf(row: unknown): readonly FoundColumn[] {
  return (typeof row === 'object' && row !== null && (row as MarkedRow)[unreadable]) || [];
}
