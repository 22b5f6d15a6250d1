import type { DatabaseSync } from 'node:sqlite';
import { MillraceError, messageOf } from '../../errors.ts';
import type { SqlValue } from '../../pipeline/table.ts';
import { toStoreError } from './sqlite-errors.ts';

/** What a query found, column by column and row by row: half the size of objects on its way between threads. */
export interface Selection {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
}

const blank = String.raw`(?:\s|--[^\n]*(?:\n|$)|/\*[\s\S]*?\*/)*`;
/** A word that reads. `WITH` may still lead to an `INSERT`; that one is found out when it runs. */
const reading = new RegExp(`^${blank}(select|values|explain|with)\\b`, 'i');
const nothingMore = new RegExp(`^${blank}$`);

/** Runs one read-only statement. Throws `MILL_INVALID_REQUEST` with SQLite's words for one that fails or would write. */
export function selectRows(db: DatabaseSync, sql: string, parameters: readonly SqlValue[]): Record<string, SqlValue>[] {
  return toRows(select(db, sql, parameters));
}

/** {@link selectRows} before its rows become objects. */
export function select(db: DatabaseSync, sql: string, parameters: readonly SqlValue[]): Selection {
  const verb = reading.exec(sql)?.[1]?.toLowerCase();
  if (verb === undefined) throw invalid('expected a statement that reads, such as SELECT');
  try {
    return verb === 'with' ? readOnly(db, () => run(db, sql, parameters)) : run(db, sql, parameters);
  } catch (error) {
    const mapped = toStoreError(error, db.location() ?? ':memory:');
    const isStatement = mapped.code === 'MILL_INTERNAL' || mapped.code === 'MILL_STORE_READ_ONLY';
    throw isStatement ? invalid(messageOf(error), error) : mapped;
  }
}

/** The rows as objects. */
export function toRows(selection: Selection): Record<string, SqlValue>[] {
  const { columns } = selection;
  return selection.rows.map((values) => {
    const row: Record<string, SqlValue> = {};
    for (let i = 0; i < columns.length; i++) row[columns[i] ?? ''] = values[i] ?? null;
    return row;
  });
}

function run(db: DatabaseSync, sql: string, parameters: readonly SqlValue[]): Selection {
  const statement = db.prepare(sql);
  if (!nothingMore.test(sql.slice(statement.sourceSQL.length))) throw invalid('expected one statement, found more');
  statement.setReturnArrays(true);
  const columns = statement.columns().map((column) => column.name);
  const rows = statement.all(...parameters) as unknown[] as SqlValue[][];
  for (const row of rows) checkRow(columns, row);
  return { columns, rows };
}

function readOnly<T>(db: DatabaseSync, work: () => T): T {
  db.exec('PRAGMA query_only = ON');
  try {
    return work();
  } finally {
    db.exec('PRAGMA query_only = OFF');
  }
}

/** Declared tables hold nothing else, but a query may be about tables of the user's own. */
function checkRow(columns: readonly string[], row: readonly unknown[]): void {
  for (let i = 0; i < row.length; i++) {
    if (typeof row[i] === 'object' && row[i] !== null)
      throw invalid(`column ${columns[i]}: expected a text, a number or null, found a blob`);
  }
}

function invalid(message: string, cause?: unknown): MillraceError {
  return new MillraceError('MILL_INVALID_REQUEST', `query: ${message}`, { cause });
}
