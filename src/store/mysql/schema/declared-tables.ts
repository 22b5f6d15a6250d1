import type { Table } from '../../../pipeline/table.ts';
import type { Transaction } from '../../sql/connection/connections.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import type { DeclaredColumn, FoundColumn } from '../../tables/sql-columns.ts';
import { quote, quoteAll } from '../../tables/sql-text.ts';
import { type FoundIndex, indexChanges, missingColumns, refuseIndex } from '../../tables/table-changes.ts';
import { literal } from '../connection/literals.ts';
import { momentText } from '../connection/moments.ts';
import { columnsOf, holds, lengthsIn, types, widened } from './column-types.ts';
import { collationOf, tableOptions } from './schema.ts';

/** Maximum characters of a name. */
const nameLengthMax = 64;

/** Marks a JSON column, whose type is that of a text. */
const jsonComment = 'JSON';

/**
 * Returns the statements that make a database's tables fit their declarations: create missing tables, add columns, create and drop indexes,
 * and allow longer texts, or more texts of an enumeration. Throws `MILL_TABLE_CHANGED` for a change that would lose something, before
 * anything is changed. A default that was declared differently before stays. A table created by somebody else keeps its indexes.
 */
export async function tableChanges(transaction: Transaction, tables: readonly Table[]): Promise<readonly Statement[]> {
  const collation = await collationOf(transaction);
  const changes: string[] = [];
  for (const table of tables) changes.push(...(await changesOf(transaction, table, collation)));
  return changes.map((text) => ({ text, values: [] }));
}

async function changesOf(transaction: Transaction, table: Table, collation: string): Promise<readonly string[]> {
  const declared = columnsOf(table);
  const kept = await keptCollation(transaction, table.name);
  if (kept === undefined) return [createText(table, collation), ...(await indexTexts(transaction, table, declared))];
  const isTheirs = kept !== collation;
  const found = await foundColumns(transaction, table.name);
  const columns = isTheirs ? [] : await wideningTexts(transaction, { table: table.name, declared, found });
  const wide = new Set(columns.map(({ name }) => name));
  const fitting = found.map((column) => {
    const own = declared.find(({ name }) => name === column.name);
    if (own === undefined || !(wide.has(own.name) || holds(own, column.type, isTheirs))) return column;
    return { ...column, type: own.type, notNull: column.notNull || (isTheirs && own.notNull) };
  });
  const alter = `ALTER TABLE ${quote(table.name)}`;
  const missing = missingColumns(table, declared, fitting).map((column) => `${alter} ADD COLUMN ${definitionOf(column)}`);
  if (isTheirs) return missing;
  const present = declared.map((column) => ({
    ...column,
    type: (wide.has(column.name) ? undefined : typeAmong(found, column.name)) ?? column.type,
  }));
  return [
    ...columns.map(({ definition }) => `${alter} MODIFY COLUMN ${definition}`),
    ...missing,
    ...(await indexTexts(transaction, table, present)),
  ];
}

function typeAmong(found: readonly FoundColumn[], column: string): string | undefined {
  return found.find(({ name }) => name === column)?.type;
}

/** Returns columns that must accept more values, keeping all their other attributes. */
async function wideningTexts(
  { run }: Transaction,
  {
    table,
    declared,
    found,
  }: { readonly table: string; readonly declared: readonly DeclaredColumn[]; readonly found: readonly FoundColumn[] },
): Promise<readonly { readonly name: string; readonly definition: string }[]> {
  const wide = declared.flatMap((column) => {
    const type = typeAmong(found, column.name);
    const to = type === undefined || holds(column, type, false) ? undefined : widened(column, type);
    return to === undefined ? [] : [{ name: column.name, from: type, to }];
  });
  if (wide.length === 0) return [];
  const { rows } = await run({ text: `SHOW CREATE TABLE ${quote(table)}`, values: [] });
  const lines = String(rows[0]?.[1]).split('\n');
  return wide.flatMap(({ name, from, to }) => {
    const begin = `  ${quote(name)} ${from}`;
    const line = lines.find((one) => one.startsWith(begin));
    return line === undefined ? [] : [{ name, definition: `${quote(name)} ${to}${line.slice(begin.length).replace(/,$/, '')}` }];
  });
}

function createText(table: Table, collation: string): string {
  const parts = columnsOf(table).map(definitionOf);
  if (table.primaryKey.length > 0) parts.push(`PRIMARY KEY (${quoteAll(table.primaryKey)})`);
  return `CREATE TABLE IF NOT EXISTS ${quote(table.name)} (${parts.join(', ')}) ${tableOptions(collation)}`;
}

/** A text's default must be an expression in parentheses. */
function definitionOf({ name, type, notNull, json, moment, ...column }: DeclaredColumn): string {
  const value = moment && typeof column.default === 'string' ? momentText(column.default) : column.default;
  const standard = value === undefined ? '' : ` DEFAULT (${literal(value)})`;
  const check = json ? ` COMMENT '${jsonComment}' CHECK (JSON_VALID(${quote(name)}))` : '';
  const kept = type === types.json ? types.text : type;
  return `${quote(name)} ${kept} ${notNull ? 'NOT NULL' : 'NULL'}${standard}${check}`;
}

/** An index covers the beginning of a text, as far as there is room. So a column needs no other type when an index comes or goes. */
async function indexTexts(transaction: Transaction, table: Table, columns: readonly DeclaredColumn[]): Promise<readonly string[]> {
  const found = await foundIndexes(transaction, table.name);
  const { drop, create } = indexChanges(
    table,
    found.filter(({ isPlain }) => isPlain),
    nameLengthMax,
  );
  const inKey = lengthsIn(table.primaryKey, columns);
  for (const index of create) if (found.some(({ name, isPlain }) => name === index.name && !isPlain)) refuseIndex(table, index, table.name);
  return [
    ...drop.map((name) => `DROP INDEX ${quote(name)} ON ${quote(table.name)}`),
    ...create.map((index) => {
      const lengths = lengthsIn(index.columns, columns);
      const parts = index.columns.map((name) => {
        const length = Math.min(lengths.get(name) ?? Number.POSITIVE_INFINITY, inKey.get(name) ?? Number.POSITIVE_INFINITY);
        return length === Number.POSITIVE_INFINITY ? quote(name) : `${quote(name)}(${length})`;
      });
      return `CREATE INDEX ${quote(index.name)} ON ${quote(table.name)} (${parts.join(', ')})`;
    }),
  ];
}

/** Returns the collation of an existing table's texts; our own tables have their own. Undefined if there is no such table. */
async function keptCollation({ run }: Transaction, table: string): Promise<string | undefined> {
  const text = 'SELECT table_collation FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = $1';
  const { rows } = await run({ text, values: [table] });
  return rows[0] === undefined ? undefined : String(rows[0][0]);
}

/** Tells whether an index is over plain columns and not unique, like a declared one. */
interface SomeIndex extends FoundIndex {
  readonly isPlain: boolean;
}

async function foundIndexes({ run }: Transaction, table: string): Promise<readonly SomeIndex[]> {
  const { rows } = await run({
    text: `SELECT index_name, column_name, non_unique FROM information_schema.statistics
      WHERE table_schema = DATABASE() AND table_name = $1 AND index_name <> 'PRIMARY' ORDER BY index_name, seq_in_index`,
    values: [table],
  });
  return Array.from(
    Map.groupBy(rows, ([name]) => String(name)),
    ([name, parts]) => ({
      name,
      columns: parts.map(([, column]) => String(column)),
      isPlain: parts.every(([, column, nonUnique]) => column !== null && nonUnique === 1),
    }),
  );
}

async function foundColumns({ run }: Transaction, table: string): Promise<FoundColumn[]> {
  const { rows } = await run({
    text: `SELECT present.column_name, present.data_type, present.column_type, present.datetime_precision, present.is_nullable, present.column_default,
        present.extra, present.column_comment, coalesce(own.seq_in_index, 0)
      FROM information_schema.columns AS present LEFT JOIN information_schema.statistics AS own ON own.table_schema = present.table_schema
        AND own.table_name = present.table_name AND own.column_name = present.column_name AND own.index_name = 'PRIMARY'
      WHERE present.table_schema = DATABASE() AND present.table_name = $1 ORDER BY present.ordinal_position`,
    values: [table],
  });
  return rows.map(([name, kind, type, precision, isNullable, standard, extra, comment, keyPlace]) => {
    const isGenerated = /\b(?:VIRTUAL|STORED|PERSISTENT)\b/i.test(String(extra)) && !/DEFAULT_GENERATED/i.test(String(extra));
    const notNull = isNullable === 'NO';
    return {
      name: String(name),
      type: typeIn({ kind: String(kind), type: String(type), precision, isJson: comment === jsonComment }),
      notNull,
      keyPlace: Number(keyPlace),
      generated: isGenerated,
      optional: !notNull || isGenerated || standard !== null || /auto_increment/i.test(String(extra)),
    };
  });
}

interface FoundType {
  readonly kind: string;
  /** Including all its constraints. */
  readonly type: string;
  /** The precision of a moment. */
  readonly precision: unknown;
  readonly isJson: boolean;
}

/** The display width of a number is irrelevant. */
function typeIn({ kind, type, precision, isJson }: FoundType): string {
  if (kind === 'varchar' || kind === 'enum') return type;
  if (kind === 'datetime' || kind === 'timestamp') return `${kind}(${precision})`;
  return kind === types.text && isJson ? types.json : kind;
}
