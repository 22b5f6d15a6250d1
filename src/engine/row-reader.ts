import type { OperationNode } from 'kysely';
import { columnReader, expressionReader, type ReadValue, UnreadableValue } from '../pipeline/read-value.ts';
import type { ColumnType, FoundValue, Table } from '../pipeline/table.ts';
import { type FoundColumn, markUnreadable } from '../pipeline/unreadable.ts';
import { declaredColumns } from './declared-columns.ts';

export type FoundRow = Readonly<Record<string, FoundValue>>;

/** Converts the columns of a query's rows to their declared types, and marks values that do not fit. */
export class RowReader {
  readonly #table: Table;
  readonly #declared: ReadonlyMap<string, ColumnType>;
  readonly #unreadable: (found: FoundRow, columns: readonly FoundColumn[]) => void;
  /** Readers for the columns of the first row; all rows have the same columns. */
  #columns: readonly (readonly [column: string, read: ReadValue])[] | undefined;

  /** `unreadable` is called for each marked row. */
  constructor(table: Table, query: OperationNode, unreadable: (found: FoundRow, columns: readonly FoundColumn[]) => void) {
    this.#table = table;
    this.#declared = declaredColumns(table, query);
    this.#unreadable = unreadable;
  }

  read(found: FoundRow): Record<string, unknown> {
    this.#columns ??= Object.keys(found).map((column) => [column, this.#readerOf(column)]);
    const row: Record<string, unknown> = {};
    let unreadable: FoundColumn[] | undefined;
    for (const [column, read] of this.#columns) {
      const value = read(found[column] ?? null);
      if (value instanceof UnreadableValue) {
        unreadable ??= [];
        unreadable.push({ column, message: value.message, found: value.found });
        row[column] = value.placeholder;
      } else row[column] = value;
    }
    if (unreadable !== undefined) {
      markUnreadable(row, unreadable);
      this.#unreadable(found, unreadable);
    }
    return row;
  }

  #readerOf(column: string): ReadValue {
    const declared = this.#declared.get(column);
    if (declared !== undefined) return columnReader(declared);
    return expressionReader(Object.hasOwn(this.#table.columns, column) ? this.#table.columns[column] : undefined);
  }
}
