import type { Table } from '../../../pipeline/table.ts';
import { type DeclaredColumn, type SqlTypes, sqlColumnsOf } from '../../tables/sql-columns.ts';
import { compareText } from '../../text-order.ts';
import { literal } from '../connection/literals.ts';

/* The types of declared columns in `information_schema`'s notation, and the other types that a column may have. */

/** JSON is stored as checked text: a column of type JSON returns a text that differs from the one stored. */
export const types: SqlTypes = {
  text: 'longtext',
  integer: 'bigint',
  real: 'double',
  boolean: 'tinyint',
  json: 'json',
  moment: 'datetime(3)',
};

/** Maximum bytes of an index entry, of a character, and of any non-text value. */
const indexBytesMax = 3_072;
const characterBytes = 4;
const numberBytes = 8;
/** A text that may exceed an index entry is stored outside of its row. */
const varcharLengthMax = indexBytesMax / characterBytes;

/** Returns the columns of a table as this store keeps them. Texts in a primary key have a length, as in every index. */
export function columnsOf(table: Table): readonly DeclaredColumn[] {
  const columns = sqlColumnsOf(table, types).map((column) => ({ ...column, type: typeOf(column) }));
  const inKey = lengthsIn(table.primaryKey, columns);
  return columns.map((column) => {
    const length = inKey.get(column.name);
    return length === undefined ? column : { ...column, type: `varchar(${length})` };
  });
}

function typeOf({ type, texts, lengthMax = Number.POSITIVE_INFINITY }: DeclaredColumn): string {
  if (texts?.every(isTold) === true) return enumOf(texts);
  return lengthMax <= varcharLengthMax ? `varchar(${lengthMax})` : type;
}

/**
 * Returns whether the database reports an enumeration's text correctly: MariaDB shows `?` for a character beyond U+FFFF, here and in
 * `SHOW CREATE TABLE`.
 */
function isTold(text: string): boolean {
  return !/[\u{10000}-\u{10ffff}]/u.test(text);
}

/** The database orders such a column by position of its texts, so they are listed in text order. */
function enumOf(texts: readonly string[]): string {
  return `enum(${texts.toSorted(compareText).map(literal).join(',')})`;
}

const escaped = /''|\\[\\nr]/g;
const meant: Readonly<Record<string, string>> = { "''": "'", '\\\\': '\\', '\\n': '\n', '\\r': '\r' };

/** Returns the texts of an enumeration from the database's notation; undefined for another type. */
function textsIn(type: string): readonly string[] | undefined {
  if (!type.startsWith('enum(')) return undefined;
  return Array.from(type.matchAll(/'((?:[^']|'')*)'/g), ([, text = '']) => text.replace(escaped, (sign) => meant[sign] ?? sign));
}

/** Returns the characters of a `varchar`; undefined for another type. */
function lengthIn(type: string): number | undefined {
  const [, length] = /^varchar\((\d+)\)$/.exec(type) ?? [];
  return length === undefined ? undefined : Number(length);
}

/** Returns whether an index covers only the beginning of such values. */
function isText(type: string): boolean {
  return type === types.text || type === types.json || type.startsWith('varchar(');
}

/**
 * Returns the characters that each text of a key or an index gets there. On its own, a text gets more than the engine's default key length,
 * 512. Texts whose declared lengths fit get those, and the others share the remaining room.
 */
export function lengthsIn(index: readonly string[], columns: readonly DeclaredColumn[]): ReadonlyMap<string, number> {
  const texts = columns.filter(({ name, type }) => index.includes(name) && isText(type));
  const lengths = new Map<string, number>();
  let room = Math.floor((indexBytesMax - numberBytes * (index.length - texts.length)) / characterBytes);
  const lengthOf = ({ lengthMax = Number.POSITIVE_INFINITY }: DeclaredColumn) => lengthMax;
  const shortestFirst = texts.toSorted((a, b) => lengthOf(a) - lengthOf(b) || 0);
  for (const [at, column] of shortestFirst.entries()) {
    const share = Math.floor(room / (texts.length - at));
    if (lengthOf(column) > share) {
      for (const { name } of shortestFirst.slice(at)) lengths.set(name, share);
      break;
    }
    lengths.set(column.name, lengthOf(column));
    room -= lengthOf(column);
  }
  return lengths;
}

/** Other types in a user's table that can hold the values of each of our column types. An integer would truncate a `real`. */
const alike: Readonly<Record<string, RegExp>> = {
  [types.integer]: /^int$/,
  [types.real]: /^(?:int|bigint|decimal)$/,
  [types.json]: /^longtext$/,
  [types.moment]: /^(?:datetime|timestamp)\(\d\)$/,
};

/** Returns whether a column type accepts every value of the declared one. */
export function holds({ type, texts, lengthMax = Number.POSITIVE_INFINITY }: DeclaredColumn, found: string, isTheirs: boolean): boolean {
  if (found === type) return true;
  if (isTheirs && alike[type]?.test(found) === true) return true;
  if (lengthMax === Number.POSITIVE_INFINITY) return false;
  const foundTexts = textsIn(found);
  if (foundTexts !== undefined) return texts?.every((text) => foundTexts.includes(text)) ?? false;
  return found === types.text || (lengthIn(found) ?? 0) >= lengthMax;
}

/**
 * Returns a type that holds both the existing values and those of the declared column: more texts, or longer ones. Undefined if the
 * database cannot change to any such type regardless of the contents.
 */
export function widened({ type, texts, lengthMax }: DeclaredColumn, found: string): string | undefined {
  const length = lengthIn(type) ?? lengthMax;
  if (length === undefined) return undefined;
  const foundTexts = textsIn(found);
  if (foundTexts !== undefined && texts?.every(isTold) === true) return enumOf(Array.from(new Set([...foundTexts, ...texts])));
  if (foundTexts !== undefined) return `varchar(${Math.max(length, ...foundTexts.map((text) => Array.from(text).length))})`;
  return lengthIn(found) === undefined ? undefined : `varchar(${length})`;
}
