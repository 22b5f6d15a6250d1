import { createHash } from 'node:crypto';
import { MillraceError } from '../../errors.ts';
import type { Table } from '../../pipeline/table.ts';
import { type DeclaredColumn, type FoundColumn, type SqlColumn, typeOf } from './sql-columns.ts';
import { quote } from './sql-text.ts';

/*
 * Works out how a database table must change to fit its declaration: columns that are nullable or have a default are added; indexes come
 * and go. A change that would lose something is `MILL_TABLE_CHANGED`. Undeclared columns are left alone if rows can be added without them:
 * another release may declare them, or a user may have made them. The same holds for indexes over them, for users' indexes, triggers and
 * constraints, and for a default that was declared differently before.
 */

/** Returns the columns to add to an existing table. Throws `MILL_TABLE_CHANGED`. */
export function missingColumns(
  table: Table,
  declared: readonly DeclaredColumn[],
  found: readonly FoundColumn[],
): readonly DeclaredColumn[] {
  checkPrimaryKey(table, found);
  for (const column of found) {
    if (!column.optional && !declared.some(({ name }) => name === column.name)) {
      const advice = 'Declare the column again, or drop it or give it a default with SQL.';
      refuse(table, column.name, 'no such column, or an optional one', typeOf(column), advice);
    }
  }
  return declared.filter((column) => !isThere(table, column, found));
}

function isThere(table: Table, column: DeclaredColumn, found: readonly FoundColumn[]): boolean {
  const present = found.find(({ name }) => name === column.name);
  if (present === undefined && column.notNull && column.default === undefined) {
    const advice = 'Declare it as nullable or with a default, or add it and fill it with SQL.';
    refuse(table, column.name, typeOf(column), 'no such column', advice);
  }
  if (present !== undefined) checkColumn(table, column, present);
  return present !== undefined;
}

function checkPrimaryKey(table: Table, found: readonly FoundColumn[]): void {
  const foundKey = found.filter((column) => column.keyPlace > 0).sort((a, b) => a.keyPlace - b.keyPlace);
  const expected = keyText(table.primaryKey);
  const actual = keyText(foundKey.map((column) => column.name));
  if (expected === actual) return;
  const column = foundKey.find(({ name }) => !table.primaryKey.includes(name))?.name ?? table.primaryKey[0] ?? '';
  refuse(table, column, expected, actual, 'Declare the previous key again, or copy the rows to a new table with SQL.');
}

function checkColumn(table: Table, expected: SqlColumn, found: FoundColumn): void {
  const what = 'Declare it as it was, or change it with SQL.';
  if (found.generated) refuse(table, expected.name, typeOf(expected), 'a generated column', what);
  // A primary-key column is never null, whatever the database reports.
  const sameNull = found.keyPlace > 0 || found.notNull === expected.notNull;
  if (found.type !== expected.type || !sameNull) refuse(table, expected.name, typeOf(expected), typeOf(found), what);
}

/** An index found on a table in a database. */
export interface FoundIndex {
  readonly name: string;
  readonly columns: readonly string[];
}

export interface IndexChanges {
  readonly drop: readonly string[];
  readonly create: readonly FoundIndex[];
}

/**
 * Returns the indexes to drop and to create. An index that was once declared has exactly the name derived from its columns; no others are
 * dropped.
 *
 * @param found the table's plain indexes: not unique, not partial, and not made by a constraint
 * @param lengthMax maximum characters of a name in the database
 */
export function indexChanges(table: Table, found: readonly FoundIndex[], lengthMax = Number.POSITIVE_INFINITY): IndexChanges {
  const nameOf = (columns: readonly string[]) => indexName(table.name, columns, lengthMax);
  const isOwn = ({ name, columns }: FoundIndex) =>
    name === nameOf(columns) && columns.every((column) => Object.hasOwn(table.columns, column));
  const wanted = new Map(table.indexes.map((columns) => [nameOf(columns), columns]));
  const drop = found.filter((index) => isOwn(index) && !wanted.delete(index.name)).map(({ name }) => name);
  return { drop, create: Array.from(wanted, ([name, columns]) => ({ name, columns })) };
}

/** Ends a name that would be too long with a hash of it. */
function indexName(table: string, columns: readonly string[], lengthMax: number): string {
  const name = `${table}_${columns.join('_')}_idx`;
  if (name.length <= lengthMax) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return `${name.slice(0, lengthMax - hash.length - 1)}_${hash}`;
}

/** Throws that another table has taken the index's name. */
export function refuseIndex(table: Table, { name, columns }: FoundIndex, takenBy: string): never {
  const advice = 'Drop that index with SQL, or rename a table.';
  return refuse(table, columns.join(', '), `an index ${name}`, `that name in use by table ${takenBy}`, advice);
}

/** Throws that an index exists but is invalid. It is not rebuilt: whoever built it concurrently did not want to block writers. */
export function refuseInvalidIndex(table: Table, { name, columns }: FoundIndex): never {
  const advice = `Wait until CREATE INDEX CONCURRENTLY is done; if it has failed, drop the index with SQL, or run REINDEX INDEX CONCURRENTLY ${quote(name)}.`;
  return refuse(table, columns.join(', '), `an index ${name}`, 'an invalid one', advice);
}

function keyText(columns: readonly string[]): string {
  return columns.length === 0 ? 'no primary key' : `PRIMARY KEY (${columns.join(', ')})`;
}

function refuse(table: Table, column: string, expected: string, found: string, advice: string): never {
  throw new MillraceError('MILL_TABLE_CHANGED', `table ${table.name}: column ${column}: expected ${expected}, found ${found}. ${advice}`);
}
