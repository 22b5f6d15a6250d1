import type { Column, ColumnKind } from '../../sql/write/columns.ts';
import { rowsOf } from '../../sql/write/columns.ts';
import { quote } from '../../tables/sql-text.ts';

/*
 * Passes rows to a statement through JSON_TABLE. On MySQL a value that does not fit its column is an error, where by default it would be
 * null; MariaDB truncates it to what the column holds, so each column is large enough for any value. Both compare a JSON text with a text
 * by a collation they choose themselves, so texts are passed as bytes, and bytes in hexadecimal.
 */

const types: Readonly<Record<ColumnKind, string>> = {
  text: 'VARBINARY(2300)',
  int8: 'BIGINT',
  int4: 'INT',
  bool: 'INT',
  bytes: 'VARBINARY(2300)',
};

/** Names and types of the columns, in order. */
type Shape = readonly Pick<Column, 'name' | 'kind'>[];

/**
 * Returns a JSON table with a column `nth`, which counts from 1, and the columns of the shape.
 *
 * @param source an expression for the JSON
 * @param more columns whose texts may be of any length
 */
export function jsonTable(source: string, shape: Shape, more: ReadonlySet<string> = new Set()): string {
  const columns = shape.map(({ name, kind }, at) => {
    const type = more.has(name) ? 'LONGTEXT CHARACTER SET utf8mb4' : types[kind];
    return `${quote(name)} ${type} PATH '$[${at}]' ERROR ON ERROR`;
  });
  return `JSON_TABLE(${source}, '$[*]' COLUMNS (nth FOR ORDINALITY, ${columns.join(', ')}))`;
}

/** Returns the rows of columns as JSON. Half of a surrogate pair is not valid JSON. */
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

/** Returns the expression for a column of such a table where it is compared or stored. */
export function storedAs(table: string, { name, kind }: Pick<Column, 'name' | 'kind'>): string {
  const value = `${table}.${quote(name)}`;
  return kind === 'bytes' ? `UNHEX(${value})` : value;
}

/** Returns a condition: a row of another table has the values of all columns. */
export function isSame(present: string, asked: string, columns: Shape): string {
  return columns.map((column) => `${present}.${quote(column.name)} = ${storedAs(asked, column)}`).join(' AND ');
}

/*
 * A list of places or names is joined (STRAIGHT_JOIN), so that each is looked up by itself. For `IN (…)` MariaDB scans if the table is
 * small or the index starts with another column, even with FORCE INDEX; and a locking scan waits for the rows of uncommitted transactions.
 */

/**
 * Returns the values of a list as a table `asked` of one column.
 *
 * @param source an expression for the result of `listOf`
 */
export function listed(source: string, column: Pick<Column, 'name' | 'kind'>): string {
  return `${jsonTable(source, [column])} AS asked`;
}

/** Builds a list for {@link listed}. */
export function listOf(values: readonly (string | number)[]): string {
  return JSON.stringify(values.map((value) => [value]));
}

/** Maximum UTF-16 units of the values of one list. */
const listCharactersMax = 512 * 1024;

/** Builds lists for {@link listed}, as many as needed to split flights between statements; none for no values. */
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
