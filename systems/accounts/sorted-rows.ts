import { isCutShort, markCutShort } from '../../src/index.ts';
import { forPage } from '../../src/server/index.ts';

/** The size limit for each part of a list combined from three: together they fit a page. */
export const forPart: typeof forPage = { charactersMax: Math.ceil(forPage.charactersMax / 3) };

/** The sorting of a list: by one value, ties by id, always ascending. */
export interface Sorting<Value extends string | number = string | number> {
  readonly order: 'asc' | 'desc';
  /** Start after the row at this place. */
  readonly after: readonly [value: Value, id: string] | undefined;
  readonly limit: number;
}

/**
 * The parts of a list that one index, over the value and the id, has in order. Each returns at most `limit` rows, limited by `forPart`;
 * `ascending`, a list by itself, is limited by `forPage`.
 */
export interface SortedParts<Row, Value extends string | number> {
  /** Returns those after a place, ascending by value and id; all without one. */
  ascending(after: Sorting<Value>['after'], limit: number): Promise<readonly Row[]>;
  /** Returns those with one value, by id, after an id if given. */
  equal(value: Value, afterId: string | undefined, limit: number): Promise<readonly Row[]>;
  /** Returns the values below another, if given, descending, once per row, as the database has them. */
  valuesBelow(value: Value | undefined, limit: number): Promise<readonly Value[]>;
  /** Returns those with values between two, excluding the lower and including the higher one, descending by value and ascending by id. */
  between(lower: Value, higher: Value, limit: number): Promise<readonly Row[]>;
}

/**
 * Returns the rows of a list, of which a million may share one value. No index has the order descending by value and ascending by id: a
 * page that begins in the middle of a value would sort all of that value's rows. So such a page is combined: the rest of the value that
 * ended the previous page, the values that fit completely, and the beginning of the next one.
 */
export async function sortedRows<Row, Value extends string | number>(
  { order, after, limit }: Sorting<Value>,
  parts: SortedParts<Row, Value>,
): Promise<readonly Row[]> {
  if (order === 'asc') return parts.ascending(after, limit);
  const rest = after === undefined ? [] : await parts.equal(after[0], after[1], limit);
  if (rest.length === limit || endsEarly(rest)) return rest;
  const values = await parts.valuesBelow(after?.[0], limit - rest.length);
  const highest = values[0];
  const lowest = values.at(-1);
  if (highest === undefined || lowest === undefined) return rest;
  const whole = lowest === highest ? [] : await parts.between(lowest, highest, limit - rest.length);
  const rows = [...rest, ...whole];
  if (endsEarly(whole)) return cutShort(rows);
  const last = await parts.equal(lowest, undefined, limit - rows.length);
  rows.push(...last);
  return endsEarly(last) || endsEarly(values) ? cutShort(rows) : rows;
}

/** Maps each row found; the result is cut short if the input was. */
export function mapFound<Row, Item>(found: readonly Row[], toItem: (row: Row) => Item): readonly Item[] {
  const items = found.map(toItem);
  return isCutShort(found) ? cutShort(items) : items;
}

/** Returns whether there may be more rows. A single row ends a list only if it is the last: otherwise there would be two. */
function endsEarly(found: readonly unknown[]): boolean {
  return isCutShort(found) && found.length > 1;
}

function cutShort<Item>(items: readonly Item[]): readonly Item[] {
  markCutShort(items);
  return items;
}
