import { MillraceError } from '../../errors.ts';
import type { Table } from '../../pipeline/table.ts';
import { quote, quoteAll } from './sql-text.ts';

/* The statements that write rows, with `?` for each parameter. */

/** Not `INSERT OR REPLACE`, which would also delete rows that conflict with a user's own unique index. */
export function putStatement(table: Table): string {
  const changed = Object.keys(table.columns).filter((column) => !table.primaryKey.includes(column));
  if (table.primaryKey.length === 0 || changed.length === 0) return addStatement(table);
  const changes = changed.map((column) => `${quote(column)} = excluded.${quote(column)}`);
  return `${insertStatement(table)} ON CONFLICT (${quoteAll(table.primaryKey)}) DO UPDATE SET ${changes.join(', ')}`;
}

/** Not `INSERT OR IGNORE`, which would also hide rows refused by another constraint. */
export function addStatement(table: Table): string {
  if (table.primaryKey.length === 0) return insertStatement(table);
  return `${insertStatement(table)} ON CONFLICT (${quoteAll(table.primaryKey)}) DO NOTHING`;
}

function insertStatement(table: Table): string {
  const columns = Object.keys(table.columns);
  return `INSERT INTO ${quote(table.name)} (${quoteAll(columns)}) VALUES (${columns.map(() => '?').join(', ')})`;
}

/** A statement that changes columns of the row with a given primary key. */
export interface UpdateStatement {
  /** Undefined if nothing changes. */
  readonly sql: string | undefined;
  /** For each parameter, the index of its value in the row. */
  readonly order: readonly number[];
}

/** Throws `MILL_INVALID_EFFECT` for columns that lack the primary key or are not in the table. */
export function updateStatement(table: Table, columns: readonly string[]): UpdateStatement {
  const { name, primaryKey } = table;
  checkColumns(table, columns);
  const changed = columns.filter((column) => !primaryKey.includes(column));
  const order = [...changed, ...primaryKey].map((column) => columns.indexOf(column));
  if (changed.length === 0) return { sql: undefined, order };
  const equal = (column: string) => `${quote(column)} = ?`;
  return { sql: `UPDATE ${quote(name)} SET ${changed.map(equal).join(', ')} WHERE ${primaryKey.map(equal).join(' AND ')}`, order };
}

function checkColumns({ name, primaryKey, columns: declared }: Table, columns: readonly string[]): void {
  if (primaryKey.length === 0) throw new MillraceError('MILL_INVALID_EFFECT', `table ${name}: updates need a primary key, and it has none`);
  const stranger = columns.find((column) => !Object.hasOwn(declared, column));
  if (stranger !== undefined) {
    throw new MillraceError('MILL_INVALID_EFFECT', `table ${name}: expected columns of the table, found ${JSON.stringify(stranger)}`);
  }
  const missing = primaryKey.find((column) => !columns.includes(column));
  if (missing === undefined) return;
  throw new MillraceError('MILL_INVALID_EFFECT', `table ${name}: expected an update to name the whole primary key, found no ${missing}`);
}
