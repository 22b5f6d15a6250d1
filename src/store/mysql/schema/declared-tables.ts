import type { Table } from '../../../pipeline/table.ts';
import type { Transaction } from '../../sql/connection/connections.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import { type DeclaredColumn, type FoundColumn, type SqlTypes, sqlColumnsOf } from '../../tables/sql-columns.ts';
import { quote, quoteAll } from '../../tables/sql-text.ts';
import { type FoundIndex, indexChanges, missingColumns, refuseIndex } from '../../tables/table-changes.ts';
import { literal } from '../connection/literals.ts';
import { collationOf, tableOptions } from './schema.ts';

/** As `information_schema` names them. JSON is a text that is checked: a column of the type JSON gives another text back than it was given. */
const types: SqlTypes = { text: 'longtext', integer: 'bigint', real: 'double', boolean: 'tinyint', json: 'json' };

/** Characters of a name, and bytes of an entry of an index. */
const nameLengthMax = 64;
const indexBytesMax = 3_072;
/** Bytes of a character, and of any value that is no text, at most. */
const characterBytes = 4;
const numberBytes = 8;

/** By what a column of JSON is known, whose type is that of a text. */
const jsonComment = 'JSON';

/** The columns of a table as this store keeps them. Texts in a primary key have a length, as in every index. */
export function columnsOf(table: Table): readonly DeclaredColumn[] {
  const columns = sqlColumnsOf(table, types);
  return columns.map((column) => {
    if (!table.primaryKey.includes(column.name) || !isText(column.type)) return column;
    return { ...column, type: `varchar(${lengthIn(table.primaryKey, columns)})` };
  });
}

function isText(type: string): boolean {
  return type === types.text || type === types.json;
}

/** Characters that each text of a key or an index has there: all of the room. Alone that is more than a key of the engine has by default, which is 512. */
function lengthIn(index: readonly string[], columns: readonly DeclaredColumn[]): number {
  const texts = index.filter((name) => columns.some((column) => column.name === name && isText(column.type))).length;
  const room = indexBytesMax - numberBytes * (index.length - texts);
  return Math.floor(room / characterBytes / texts);
}

/**
 * The statements that make the tables of a database fit their declarations: create what is missing, add columns, create and drop indexes. Throws
 * `MILL_TABLE_CHANGED` for what cannot be done without loss, before anything is changed. A default that was declared differently before stays.
 */
export async function tableChanges(transaction: Transaction, tables: readonly Table[]): Promise<readonly Statement[]> {
  const collation = await collationOf(transaction);
  const changes: string[] = [];
  for (const table of tables) {
    const found = await foundColumns(transaction, table.name);
    if (found.length === 0) changes.push(createText(table, collation));
    else {
      const missing = missingColumns(table, columnsOf(table), found);
      changes.push(...missing.map((column) => `ALTER TABLE ${quote(table.name)} ADD COLUMN ${definitionOf(column)}`));
    }
    changes.push(...(await indexTexts(transaction, table)));
  }
  return changes.map((text) => ({ text, values: [] }));
}

function createText(table: Table, collation: string): string {
  const parts = columnsOf(table).map(definitionOf);
  if (table.primaryKey.length > 0) parts.push(`PRIMARY KEY (${quoteAll(table.primaryKey)})`);
  return `CREATE TABLE IF NOT EXISTS ${quote(table.name)} (${parts.join(', ')}) ${tableOptions(collation)}`;
}

/** A default of a text must be an expression, which stands in brackets. */
function definitionOf({ name, type, notNull, json, ...column }: DeclaredColumn): string {
  const standard = column.default === undefined ? '' : ` DEFAULT (${literal(column.default)})`;
  const check = json ? ` COMMENT '${jsonComment}' CHECK (JSON_VALID(${quote(name)}))` : '';
  const kept = type === types.json ? types.text : type;
  return `${quote(name)} ${kept} ${notNull ? 'NOT NULL' : 'NULL'}${standard}${check}`;
}

/** Of a text an index has the beginning, as much as there is room for. So a column needs no other type when an index comes or goes. */
async function indexTexts(transaction: Transaction, table: Table): Promise<readonly string[]> {
  const found = await foundIndexes(transaction, table.name);
  const { drop, create } = indexChanges(
    table,
    found.filter(({ isPlain }) => isPlain),
    nameLengthMax,
  );
  const columns = sqlColumnsOf(table, types);
  const inKey = lengthIn(table.primaryKey, columns);
  const partOf = (name: string, index: FoundIndex) => {
    if (!columns.some((column) => column.name === name && isText(column.type))) return quote(name);
    const length = lengthIn(index.columns, columns);
    return `${quote(name)}(${table.primaryKey.includes(name) ? Math.min(inKey, length) : length})`;
  };
  for (const index of create) if (found.some(({ name, isPlain }) => name === index.name && !isPlain)) refuseIndex(table, index, table.name);
  return [
    ...drop.map((name) => `DROP INDEX ${quote(name)} ON ${quote(table.name)}`),
    ...create.map((index) => {
      const parts = index.columns.map((name) => partOf(name, index));
      return `CREATE INDEX ${quote(index.name)} ON ${quote(table.name)} (${parts.join(', ')})`;
    }),
  ];
}

/** Whether an index is over columns alone and not unique, as those are that are declared. */
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
    text: `SELECT present.column_name, present.data_type, present.character_maximum_length, present.is_nullable, present.column_default, present.extra,
        present.column_comment, coalesce(own.seq_in_index, 0)
      FROM information_schema.columns AS present LEFT JOIN information_schema.statistics AS own ON own.table_schema = present.table_schema
        AND own.table_name = present.table_name AND own.column_name = present.column_name AND own.index_name = 'PRIMARY'
      WHERE present.table_schema = DATABASE() AND present.table_name = $1 ORDER BY present.ordinal_position`,
    values: [table],
  });
  return rows.map(([name, type, length, isNullable, standard, extra, comment, keyPlace]) => {
    const isGenerated = /\b(?:VIRTUAL|STORED|PERSISTENT)\b/i.test(String(extra)) && !/DEFAULT_GENERATED/i.test(String(extra));
    const notNull = isNullable === 'NO';
    return {
      name: String(name),
      type: typeOf(String(type), { length: Number(length), isJson: comment === jsonComment }),
      notNull,
      keyPlace: Number(keyPlace),
      generated: isGenerated,
      optional: !notNull || isGenerated || standard !== null || /auto_increment/i.test(String(extra)),
    };
  });
}

function typeOf(type: string, { length, isJson }: { readonly length: number; readonly isJson: boolean }): string {
  if (type === 'varchar') return `varchar(${length})`;
  return type === types.text && isJson ? types.json : type;
}
