import { MillraceError } from '../../../errors.ts';
import type { Table } from '../../../pipeline/table.ts';
import type { Transaction } from '../../sql/connection/connections.ts';
import type { Declared } from '../../sql/write/batch.ts';
import { type DeclaredColumn, type FoundColumn, type SqlTypes, sqlColumnsOf } from '../../tables/sql-columns.ts';
import { literal, quote, quoteAll } from '../../tables/sql-text.ts';
import { type FoundIndex, indexChanges, missingColumns, refuseIndex, refuseInvalidIndex } from '../../tables/table-changes.ts';
import { momentText } from '../connection/moments.ts';

/**
 * Texts are compared by their bytes, as in every store. They have no length or enumeration here, since that may change tomorrow, and the
 * engine enforces it. `json` keeps the exact text.
 */
const types: SqlTypes = {
  text: 'text',
  integer: 'bigint',
  real: 'double precision',
  boolean: 'boolean',
  json: 'json',
  moment: 'timestamp(3) with time zone',
};

/** Maximum bytes of a name. PostgreSQL truncates longer ones, so that two might become the same. */
const nameBytesMax = 63;

/** Returns the columns of a table as this store creates them. `json` has no order, so in a key or an index JSON is stored as text. */
function columnsOf(table: Table): readonly DeclaredColumn[] {
  const ordered = new Set([...table.primaryKey, ...table.indexes.flat()]);
  return sqlColumnsOf(table, types).map((column) => (column.json && ordered.has(column.name) ? { ...column, type: types.text } : column));
}

/**
 * Makes the database's tables fit their declarations: creates missing tables, adds columns, creates and drops indexes. Throws
 * `MILL_TABLE_CHANGED` for a change that would lose something, and `MILL_INVALID_DECLARATION` for a name that the database reserves; the
 * transaction must then be rolled back. A default that was declared differently before stays.
 *
 * @returns the tables as the database keeps them
 */
export async function migrateTables({ run }: Transaction, tables: readonly Table[]): Promise<readonly Declared[]> {
  const kept: Declared[] = [];
  for (const table of tables) {
    checkNames(table);
    const found = await foundColumns(run, table.name);
    const columns = keptColumns(table, found);
    if (found.length === 0) await createTable(run, table);
    else for (const column of missingColumns(table, columns, found)) await addColumn(run, table, column);
    await migrateIndexes(run, table);
    kept.push({ table, columns });
  }
  return kept;
}

/** Returns a table as the database keeps it. */
export async function keptTable({ run }: Transaction, table: Table): Promise<Declared> {
  return { table, columns: keptColumns(table, await foundColumns(run, table.name)) };
}

function keptColumns(table: Table, found: readonly FoundColumn[]): readonly DeclaredColumn[] {
  return columnsOf(table).map((column) => ({ ...column, type: keptType(column, found) }));
}

/** Types that can hold the values of another column type. An earlier release stored moments as texts. */
const moments = /^(?:text|timestamp(?:\(\d\))? with time zone)$/;
const boundedText = /^character varying(?:\((\d+)\))?$/;

/** Returns the existing type of a column or, if it is missing or cannot hold the declared values, the type it should have. */
function keptType({ name, type, moment, lengthMax = Number.POSITIVE_INFINITY }: DeclaredColumn, found: readonly FoundColumn[]): string {
  const there = found.find((column) => column.name === name)?.type ?? type;
  if (moment && moments.test(there)) return there;
  const [isBounded, length = Number.POSITIVE_INFINITY] = boundedText.exec(there) ?? [];
  return type === types.text && isBounded !== undefined && Number(length) >= lengthMax ? there : type;
}

type Run = Transaction['run'];

const systemColumns = ['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'];

function checkNames({ name, columns }: Table): void {
  if (name.startsWith('pg_')) refuseName(`table ${name}: expected a name that does not start with pg_, which the database reserves`);
  const taken = Object.keys(columns).find((column) => systemColumns.includes(column));
  if (taken !== undefined) refuseName(`table ${name}: column ${taken}: every table of PostgreSQL has a column of that name`);
}

function refuseName(message: string): never {
  throw new MillraceError('MILL_INVALID_DECLARATION', message);
}

async function createTable(run: Run, table: Table): Promise<void> {
  const parts = columnsOf(table).map(definitionOf);
  if (table.primaryKey.length > 0) parts.push(`PRIMARY KEY (${quoteAll(table.primaryKey)})`);
  await run({ text: `CREATE TABLE ${quote(table.name)} (${parts.join(', ')})`, values: [] });
}

async function addColumn(run: Run, table: Table, column: DeclaredColumn): Promise<void> {
  await run({ text: `ALTER TABLE ${quote(table.name)} ADD COLUMN ${definitionOf(column)}`, values: [] });
}

function definitionOf({ name, type, notNull, json, moment, ...column }: DeclaredColumn): string {
  const collation = type === types.text ? ' COLLATE "C"' : '';
  const value = moment && typeof column.default === 'string' ? momentText(column.default) : column.default;
  const standard = value === undefined ? '' : ` DEFAULT ${defaultOf(type, value)}`;
  const check = json && type === types.text ? ` CHECK (${quote(name)} IS NULL OR ${quote(name)}::json IS NOT NULL)` : '';
  return `${quote(name)} ${type}${collation}${notNull ? ' NOT NULL' : ''}${standard}${check}`;
}

function defaultOf(type: string, value: Exclude<DeclaredColumn['default'], undefined>): string {
  if (type === types.boolean && value !== null) return value === 0 ? 'false' : 'true';
  return literal(value);
}

async function migrateIndexes(run: Run, table: Table): Promise<void> {
  const found = await plainIndexes(run, table.name);
  const { drop, create } = indexChanges(table, found, nameBytesMax);
  const { create: missing } = indexChanges(
    table,
    found.filter(({ isValid }) => isValid),
    nameBytesMax,
  );
  for (const index of missing) if (found.some(({ name }) => name === index.name)) refuseInvalidIndex(table, index);
  for (const name of drop) await run({ text: `DROP INDEX ${quote(name)}`, values: [] });
  for (const index of create) {
    const { rows } = await run({
      text: `SELECT coalesce(owner.relname, taken.relname) FROM pg_class AS taken
        LEFT JOIN pg_index ON indexrelid = taken.oid LEFT JOIN pg_class AS owner ON owner.oid = indrelid
        WHERE taken.relname = $1 AND taken.relnamespace = current_schema()::regnamespace`,
      values: [index.name],
    });
    if (rows[0] !== undefined) refuseIndex(table, index, String(rows[0][0]));
    await run({ text: `CREATE INDEX ${quote(index.name)} ON ${quote(table.name)} (${quoteAll(index.columns)})`, values: [] });
  }
}

/** An index that no query uses until it is complete: it is being built concurrently, or that was interrupted. */
interface PresentIndex extends FoundIndex {
  readonly isValid: boolean;
}

/** Returns indexes over plain columns, neither unique nor partial. */
async function plainIndexes(run: Run, table: string): Promise<readonly PresentIndex[]> {
  const { rows } = await run({
    text: `SELECT indexes.relname, (
        SELECT json_agg(attname ORDER BY place) FROM unnest(indkey::int2[]) WITH ORDINALITY AS part (number, place)
          JOIN pg_attribute ON attrelid = indrelid AND attnum = part.number), indisvalid
      FROM pg_index JOIN pg_class AS indexes ON indexes.oid = indexrelid
      WHERE indrelid = to_regclass($1) AND NOT indisunique AND indpred IS NULL AND indexprs IS NULL`,
    values: [quote(table)],
  });
  return rows.map(([name, columns, isValid]) => ({
    name: String(name),
    columns: JSON.parse(String(columns)) as string[],
    isValid: isValid === 1,
  }));
}

async function foundColumns(run: Run, table: string): Promise<FoundColumn[]> {
  const { rows } = await run({
    text: `SELECT attname, format_type(atttypid, atttypmod), attnotnull, attgenerated <> '' OR attidentity = 'a',
        coalesce(array_position(indkey::int2[], attnum), -1) + 1, atthasdef OR attidentity <> ''
      FROM pg_attribute LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    values: [quote(table)],
  });
  return rows.map(([name, type, notNull, generated, keyPlace, hasDefault]) => ({
    name: String(name),
    type: String(type),
    notNull: notNull === 1,
    keyPlace: Number(keyPlace),
    generated: generated === 1,
    optional: notNull === 0 || generated === 1 || hasDefault === 1,
  }));
}
