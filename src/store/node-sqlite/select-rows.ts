import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { MillraceError, messageOf } from '../../errors.ts';
import type { FoundValue } from '../../pipeline/table.ts';
import { pageUpTo, sizeOfValues } from '../list-size.ts';
import { isBlankSql, readingVerbOf } from '../tables/reading-verb.ts';
import { type Selection, toRows } from '../tables/selection.ts';
import { toStoreError } from './sqlite-errors.ts';

/** Runs one read-only statement. Throws `MILL_INVALID_REQUEST` with SQLite's message for one that fails or would write. */
export function selectRows(
  db: DatabaseSync,
  sql: string,
  parameters: readonly FoundValue[],
  charactersMax?: number,
): Record<string, FoundValue>[] {
  return toRows(select(db, sql, parameters, charactersMax));
}

/** Does the same as {@link selectRows}, without converting rows to objects. */
export function select(db: DatabaseSync, sql: string, parameters: readonly FoundValue[], charactersMax?: number): Selection {
  const verb = readingVerbOf(sql);
  try {
    const work = () => run(db, sql, parameters, charactersMax);
    return verb === 'with' ? readOnly(db, work) : work();
  } catch (error) {
    const mapped = toStoreError(error, db.location() ?? ':memory:');
    const isStatement = mapped.code === 'MILL_INTERNAL' || mapped.code === 'MILL_STORE_READ_ONLY';
    throw isStatement ? invalid(messageOf(error), error) : mapped;
  }
}

/** Returns whether a connection understands a statement. */
export function canPrepare(db: DatabaseSync, sql: string): boolean {
  try {
    db.prepare(sql);
    return true;
  } catch {
    // Running it will say why.
    return false;
  }
}

function run(db: DatabaseSync, sql: string, parameters: readonly FoundValue[], charactersMax: number | undefined): Selection {
  const statement = db.prepare(sql);
  if (!isBlankSql(sql.slice(statement.sourceSQL.length))) throw invalid('expected one statement, found more');
  statement.setReturnArrays(true);
  const columns = statement.columns().map((column) => column.name);
  return { columns, rows: allRows(statement, parameters, charactersMax) };
}

/** A number is exact up to 2⁵³. If one row exceeds that, node:sqlite refuses the whole statement, unless all integers are bigints. */
function allRows(statement: StatementSync, parameters: readonly FoundValue[], charactersMax: number | undefined): FoundValue[][] {
  try {
    return rowsOf(statement, parameters, charactersMax);
  } catch (error) {
    if (!(error instanceof RangeError && 'code' in error && error.code === 'ERR_OUT_OF_RANGE')) throw error;
  }
  statement.setReadBigInts(true);
  const rows = rowsOf(statement, parameters, charactersMax);
  return rows.map((row) => row.map((value) => (typeof value === 'bigint' ? exactNumber(value) : value)));
}

function rowsOf(statement: StatementSync, parameters: readonly FoundValue[], charactersMax: number | undefined): FoundValue[][] {
  if (charactersMax === undefined) return statement.all(...parameters) as unknown[] as FoundValue[][];
  return pageUpTo(statement.iterate(...parameters) as unknown as Iterable<FoundValue[]>, sizeOfValues, charactersMax);
}

/** Returns a number, or a bigint if a number would round it. */
function exactNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function readOnly<T>(db: DatabaseSync, work: () => T): T {
  db.exec('PRAGMA query_only = ON');
  try {
    return work();
  } finally {
    db.exec('PRAGMA query_only = OFF');
  }
}

function invalid(message: string, cause?: unknown): MillraceError {
  return new MillraceError('MILL_INVALID_REQUEST', `query: ${message}`, { cause });
}
