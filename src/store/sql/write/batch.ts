import type { SqlValue, Table } from '../../../pipeline/table.ts';
import type { RowWrite } from '../../store.ts';
import type { DeclaredColumn } from '../../tables/sql-columns.ts';

export type SqlRow = readonly SqlValue[];

/** A declared table, and its columns as the database keeps them. */
export interface Declared {
  readonly table: Table;
  readonly columns: readonly DeclaredColumn[];
}

/** Rows written by one statement: consecutive writes of one kind to one table. */
export interface Batch {
  readonly declared: Declared;
  readonly write: RowWrite['write'];
  /** The columns that its rows have values for. */
  readonly columns: readonly string[];
  readonly rows: readonly SqlRow[];
}
