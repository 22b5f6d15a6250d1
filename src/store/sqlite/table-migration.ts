import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../errors.ts';
import type { Table } from '../../pipeline/table.ts';
import { type DeclaredColumn, hasRowid, literal, quote, quoteAll, type SqlColumn, sqlColumnsOf } from './sql-columns.ts';

/** A column as the database has it. */
interface FoundColumn extends SqlColumn {
  /** Its place in the primary key from 1; 0: not part of it. */
  readonly keyPlace: number;
  /** Computed by the database from others. */
  readonly generated: boolean;
  /** Whether SQL that does not name the column can add a row. */
  readonly optional: boolean;
}

/**
 * Makes the tables of the database fit their declarations: creates what is missing, adds columns that are nullable or
 * have a default, creates and drops indexes. All of it or, when it throws `MILL_TABLE_CHANGED` for what cannot be done without loss, nothing.
 * Columns that are not declared are left alone as long as rows can be added without them: another release may declare them, or
 * a user may have made them. So are indexes over them, the indexes, triggers and constraints of users, and a default that was
 * declared differently before, which SQLite cannot change.
 */
export function migrateTables(db: DatabaseSync, tables: readonly Table[]): void {
  db.exec('SAVEPOINT migrate_tables');
  try {
    for (const table of tables) {
      const found = foundColumns(db, table.name);
      if (found.length === 0) createTable(db, table);
      else alterTable(db, table, found);
      migrateIndexes(db, table);
    }
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK TO migrate_tables; RELEASE migrate_tables');
    throw error;
  }
  db.exec('RELEASE migrate_tables');
}

/** STRICT, so that nobody's SQL can put a text where handlers and queries expect a number. */
function createTable(db: DatabaseSync, table: Table): void {
  const parts = sqlColumnsOf(table).map(definitionOf);
  if (table.primaryKey.length > 0) parts.push(`PRIMARY KEY (${quoteAll(table.primaryKey)})`);
  db.exec(`CREATE TABLE ${quote(table.name)} (${parts.join(', ')}) STRICT${hasRowid(table) ? '' : ', WITHOUT ROWID'}`);
}

function alterTable(db: DatabaseSync, table: Table, found: readonly FoundColumn[]): void {
  checkPrimaryKey(table, found);
  const declared = sqlColumnsOf(table);
  for (const column of found) {
    if (!column.optional && !declared.some(({ name }) => name === column.name)) {
      const advice = 'Declare the column again, or drop it or give it a default with SQL.';
      refuse(table, column.name, 'no such column, or one that may be left out', typeOf(column), advice);
    }
  }
  for (const column of declared) {
    const present = found.find(({ name }) => name === column.name);
    if (present !== undefined) checkColumn(table, column, present);
    else if (column.notNull && column.default === undefined) {
      const advice = 'Declare it as nullable or with a default, or add it and fill it with SQL.';
      refuse(table, column.name, typeOf(column), 'no such column', advice);
    } else db.exec(`ALTER TABLE ${quote(table.name)} ADD COLUMN ${definitionOf(column)}`);
  }
}

function checkPrimaryKey(table: Table, found: readonly FoundColumn[]): void {
  const foundKey = found.filter((column) => column.keyPlace > 0).sort((a, b) => a.keyPlace - b.keyPlace);
  const expected = keyText(table.primaryKey);
  const actual = keyText(foundKey.map((column) => column.name));
  if (expected === actual) return;
  const column = foundKey.find(({ name }) => !table.primaryKey.includes(name))?.name ?? table.primaryKey[0] ?? '';
  refuse(table, column, expected, actual, 'Declare the former key again, or copy the rows to a new table with SQL.');
}

function checkColumn(table: Table, expected: SqlColumn, found: FoundColumn): void {
  const what = 'Declare it as it was, or change it with SQL.';
  if (found.generated) refuse(table, expected.name, typeOf(expected), 'a generated column', what);
  // A column of the primary key is never null, whatever the database says of it.
  const sameNull = found.keyPlace > 0 || found.notNull === expected.notNull;
  if (found.type !== expected.type || !sameNull) refuse(table, expected.name, typeOf(expected), typeOf(found), what);
}

function migrateIndexes(db: DatabaseSync, table: Table): void {
  const wanted = new Map(table.indexes.map((columns) => [indexName(table.name, columns), columns]));
  for (const index of ownIndexes(db, table)) {
    if (!wanted.delete(index)) db.exec(`DROP INDEX ${quote(index)}`);
  }
  for (const [name, columns] of wanted) {
    const taken = db.prepare('SELECT tbl_name FROM sqlite_schema WHERE name = ?').get(name);
    if (taken !== undefined) {
      refuse(
        table,
        columns.join(', '),
        `an index ${name}`,
        `that name in use by table ${taken.tbl_name}`,
        'Drop that index with SQL, or rename a table.',
      );
    }
    db.exec(`CREATE INDEX ${quote(name)} ON ${quote(table.name)} (${quoteAll(columns)})`);
  }
}

/** The indexes over declared columns that were once declared: they have the very name that their columns give them. */
function ownIndexes(db: DatabaseSync, { name: table, columns: declared }: Table): string[] {
  const indexes = db
    .prepare(`PRAGMA index_list(${quote(table)})`)
    .all()
    .filter((index) => index.origin === 'c' && index.unique === 0 && index.partial === 0);
  return indexes
    .map((index) => String(index.name))
    .filter((name) => {
      const columns = db
        .prepare(`PRAGMA index_info(${quote(name)})`)
        .all()
        .map((column) => String(column.name));
      return name === indexName(table, columns) && columns.every((column) => Object.hasOwn(declared, column));
    });
}

function indexName(table: string, columns: readonly string[]): string {
  return `${table}_${columns.join('_')}_idx`;
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

/** Whether a default, as the database writes it, is none. */
function isNull(value: unknown): boolean {
  return value === null || /^[\s(]*null[\s)]*$/i.test(String(value));
}

function definitionOf(column: DeclaredColumn): string {
  const standard = column.default === undefined ? '' : ` DEFAULT ${literal(column.default)}`;
  return `${quote(column.name)} ${typeOf(column)}${standard}${checkOf(column)}`;
}

/** Of a null SQLite says neither that it is JSON nor that it is not, and a check takes that for a yes. */
function checkOf({ name, json }: DeclaredColumn): string {
  return json ? ` CHECK (json_valid(${quote(name)}))` : '';
}

function typeOf(column: SqlColumn): string {
  return `${column.type}${column.notNull ? ' NOT NULL' : ''}`;
}

function keyText(columns: readonly string[]): string {
  return columns.length === 0 ? 'no primary key' : `PRIMARY KEY (${columns.join(', ')})`;
}

function refuse(table: Table, column: string, expected: string, found: string, advice: string): never {
  throw new MillraceError('MILL_TABLE_CHANGED', `table ${table.name}: column ${column}: expected ${expected}, found ${found}. ${advice}`);
}
