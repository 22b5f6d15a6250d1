import type { DatabaseSync } from 'node:sqlite';
import { kindOf, type Table } from '../../pipeline/table.ts';
import { type DeclaredColumn, type FoundColumn, type SqlTypes, sqlColumnsOf, typeOf } from '../tables/sql-columns.ts';
import { literal, quote, quoteAll } from '../tables/sql-text.ts';
import { indexChanges, missingColumns, refuseIndex } from '../tables/table-changes.ts';

const types: SqlTypes = { text: 'TEXT', integer: 'INTEGER', real: 'REAL', boolean: 'INTEGER', json: 'TEXT', moment: 'TEXT' };

/**
 * Makes the database's tables fit their declarations: creates missing tables, adds columns, creates and drops indexes. Does all of it or,
 * if it throws `MILL_TABLE_CHANGED` for a change that would lose something, nothing. A default that was declared differently before stays:
 * SQLite cannot change it.
 */
export function migrateTables(db: DatabaseSync, tables: readonly Table[]): void {
  db.exec('SAVEPOINT migrate_tables');
  try {
    for (const table of tables) {
      const found = foundColumns(db, table.name);
      if (found.length === 0) createTable(db, table);
      else for (const column of missingColumns(table, sqlColumnsOf(table, types), found)) addColumn(db, table, column);
      migrateIndexes(db, table);
    }
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK TO migrate_tables; RELEASE migrate_tables');
    throw error;
  }
  db.exec('RELEASE migrate_tables');
}

/** STRICT, so that nobody's SQL can store a text where handlers and queries expect a number. */
function createTable(db: DatabaseSync, table: Table): void {
  const parts = sqlColumnsOf(table, types).map(definitionOf);
  if (table.primaryKey.length > 0) parts.push(`PRIMARY KEY (${quoteAll(table.primaryKey)})`);
  db.exec(`CREATE TABLE ${quote(table.name)} (${parts.join(', ')}) STRICT${hasRowid(table) ? '' : ', WITHOUT ROWID'}`);
}

/** Returns whether rows are found by SQLite's own row id: true for a lone integer key, and without a key. */
function hasRowid(table: Table): boolean {
  const [first, ...others] = table.primaryKey;
  return first === undefined || (others.length === 0 && kindOf(table.columns[first] ?? 'text') === 'integer');
}

function addColumn(db: DatabaseSync, table: Table, column: DeclaredColumn): void {
  db.exec(`ALTER TABLE ${quote(table.name)} ADD COLUMN ${definitionOf(column)}`);
}

function migrateIndexes(db: DatabaseSync, table: Table): void {
  const { drop, create } = indexChanges(table, plainIndexes(db, table.name));
  for (const name of drop) db.exec(`DROP INDEX ${quote(name)}`);
  for (const index of create) {
    const taken = db.prepare('SELECT tbl_name FROM sqlite_schema WHERE name = ?').get(index.name);
    if (taken !== undefined) refuseIndex(table, index, String(taken.tbl_name));
    db.exec(`CREATE INDEX ${quote(index.name)} ON ${quote(table.name)} (${quoteAll(index.columns)})`);
  }
}

function plainIndexes(db: DatabaseSync, table: string) {
  const indexes = db
    .prepare(`PRAGMA index_list(${quote(table)})`)
    .all()
    .filter((index) => index.origin === 'c' && index.unique === 0 && index.partial === 0);
  return indexes.map((index) => {
    const name = String(index.name);
    const columns = db.prepare(`PRAGMA index_info(${quote(name)})`).all();
    return { name, columns: columns.map((column) => String(column.name)) };
  });
}

function foundColumns(db: DatabaseSync, table: string): FoundColumn[] {
  return db
    .prepare(`PRAGMA table_xinfo(${quote(table)})`)
    .all()
    .map((column) => ({
      name: String(column.name).toLowerCase(),
      type: String(column.type).toUpperCase(),
      notNull: column.notnull === 1,
      keyPlace: Number(column.pk),
      generated: column.hidden !== 0,
      optional: column.notnull === 0 || column.hidden !== 0 || !isNull(column.dflt_value),
    }));
}

/** Returns whether a default, as the database writes it, is null. */
function isNull(value: unknown): boolean {
  return value === null || /^[\s(]*null[\s)]*$/i.test(String(value));
}

function definitionOf(column: DeclaredColumn): string {
  const standard = column.default === undefined ? '' : ` DEFAULT ${literal(column.default)}`;
  return `${quote(column.name)} ${typeOf(column)}${standard}${checkOf(column)}`;
}

/** For null, SQLite says neither that it is JSON nor that it is not, and a check accepts that. */
function checkOf({ name, json }: DeclaredColumn): string {
  return json ? ` CHECK (json_valid(${quote(name)}))` : '';
}
