import type { Column, ColumnKind } from '../../sql/write/columns.ts';
import { rowsOf } from '../../sql/write/columns.ts';
import { quote } from '../../tables/sql-text.ts';

/*
 * Rows that a statement is given, by JSON_TABLE. On MySQL a value that is none of its column is an error, where by default it would be null; MariaDB cuts it to
 * what the column holds, and so each column holds whatever there may be. Both compare a text of JSON with a text by a collation of their own choice, and so
 * texts are bytes; bytes are written in hexadecimal digits.
 */

const types: Readonly<Record<ColumnKind, string>> = {
  text: 'VARBINARY(2300)',
  int8: 'BIGINT',
  int4: 'INT',
  bool: 'INT',
  bytes: 'VARBINARY(2300)',
};

/** Names and types of the columns, in their order. */
type Shape = readonly Pick<Column, 'name' | 'kind'>[];

/**
 * A table of JSON with a column `nth`, which counts from 1, and those of the shape.
 *
 * @param source an expression of the JSON
 * @param more columns whose texts may be of any length
 */
export function jsonTable(source: string, shape: Shape, more: ReadonlySet<string> = new Set()): string {
  const columns = shape.map(({ name, kind }, at) => {
    const type = more.has(name) ? 'LONGTEXT CHARACTER SET utf8mb4' : types[kind];
    return `${quote(name)} ${type} PATH '$[${at}]' ERROR ON ERROR`;
  });
  return `JSON_TABLE(${source}, '$[*]' COLUMNS (nth FOR ORDINALITY, ${columns.join(', ')}))`;
}

/** The rows of columns as JSON. A half of a surrogate pair is none. */
export function jsonOf(columns: readonly Column[]): string {
  return JSON.stringify(
    rowsOf(columns).map((row) =>
      row.map((value) => {
        if (typeof value === 'string') return value.toWellFormed();
        if (typeof value === 'boolean') return value ? 1 : 0;
        return Buffer.isBuffer(value) ? value.toString('hex') : value;
      }),
    ),
  );
}

/** What stands for a column of such a table where it is compared or stored. */
export function storedAs(table: string, { name, kind }: Pick<Column, 'name' | 'kind'>): string {
  const value = `${table}.${quote(name)}`;
  return kind === 'bytes' ? `UNHEX(${value})` : value;
}

/** A condition: that a row of another table has the values of all columns. */
export function isSame(present: string, asked: string, columns: Shape): string {
  return columns.map((column) => `${present}.${quote(column.name)} = ${storedAs(asked, column)}`).join(' AND ');
}

/*
 * A list of places or names is joined (STRAIGHT_JOIN), so that each is looked up by itself. Of `IN (…)` MariaDB makes a scan where the table is small or the
 * index has a column before it, even with FORCE INDEX; and a scan that locks waits for the rows of transactions that have not committed.
 */

/**
 * The values of a list as a table `asked` of one column.
 *
 * @param source an expression of what `listOf` makes
 */
export function listed(source: string, column: Pick<Column, 'name' | 'kind'>): string {
  return `${jsonTable(source, [column])} AS asked`;
}

/** A list for {@link listed}. */
export function listOf(values: readonly (string | number)[]): string {
  return JSON.stringify(values.map((value) => [value]));
}

/** UTF-16 units of the values of one list. */
const listCharactersMax = 512 * 1024;

/** Lists for {@link listed}, as many as it takes for flights to be cut between statements; none of no values. */
export function listsOf(values: readonly (string | number)[]): readonly string[] {
  const lists: string[] = [];
  let some: (string | number)[] = [];
  let characters = 0;
  for (const value of values) {
    some.push(value);
    characters += String(value).length;
    if (characters < listCharactersMax) continue;
    lists.push(listOf(some));
    some = [];
    characters = 0;
  }
  return some.length === 0 ? lists : [...lists, listOf(some)];
}
