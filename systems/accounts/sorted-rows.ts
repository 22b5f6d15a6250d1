import { isCutShort, markCutShort } from '../../src/index.ts';
import { forPage } from '../../src/server/index.ts';

/** How much each part of a list holds that is put together of three: together as much as a page may. */
export const forPart: typeof forPage = { charactersMax: Math.ceil(forPage.charactersMax / 3) };

/** How a list is sorted: by one value, ties by id, always ascending. */
export interface Sorting<Value extends string | number = string | number> {
  readonly order: 'asc' | 'desc';
  /** Begin after the row at this place. */
  readonly after: readonly [value: Value, id: string] | undefined;
  readonly limit: number;
}

/**
 * A part of a list that one index, of the value and the id, has in its order. Each answers at most `limit` rows, and as many as are
 * `forPart`; `ascending`, which is a list of its own, as many as are `forPage`.
 */
export interface SortedParts<Row, Value extends string | number> {
  /** Those behind a place, ascending by value and id; all without one. */
  ascending(after: Sorting<Value>['after'], limit: number): Promise<readonly Row[]>;
  /** Those of one value, by id, behind an id if there is one. */
  equal(value: Value, afterId: string | undefined, limit: number): Promise<readonly Row[]>;
  /** The values below another, if there is one, descending, each as often as there are rows of it, and as the database has it. */
  valuesBelow(value: Value | undefined, limit: number): Promise<readonly Value[]>;
  /** Those of values between two, the higher one included and the lower one not, descending by value and ascending by id. */
  between(lower: Value, higher: Value, limit: number): Promise<readonly Row[]>;
}

/**
 * Rows in the order of a list, of which there may be a million with one value. Descending by value and ascending by id is the order of
 * no index: a page that begins in the middle of a value would sort all rows of it. So such a page is put together: the rest of the
 * value that the page before ended in, the values that fit whole, and the beginning of the next one.
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

/** Makes something of each of what was found; it is cut short if that was. */
export function mapFound<Row, Item>(found: readonly Row[], toItem: (row: Row) => Item): readonly Item[] {
  const items = found.map(toItem);
  return isCutShort(found) ? cutShort(items) : items;
}

/** Whether there may be more than was found. One alone ends a list only if it is the last: there would be two. */
function endsEarly(found: readonly unknown[]): boolean {
  return isCutShort(found) && found.length > 1;
}

function cutShort<Item>(items: readonly Item[]): readonly Item[] {
  markCutShort(items);
  return items;
}
