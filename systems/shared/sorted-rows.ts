/** How a list is sorted: by one value, ties by id, always ascending. */
export interface Sorting<Value extends string | number = string | number> {
  readonly order: 'asc' | 'desc';
  /** Begin after the row at this place. */
  readonly after: readonly [value: Value, id: string] | undefined;
  readonly limit: number;
}

/** A part of a list that one index, of the value and the id, has in its order. Each answers at most `limit` rows. */
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
  const rows = after === undefined ? [] : [...(await parts.equal(after[0], after[1], limit))];
  if (rows.length === limit) return rows;
  const values = await parts.valuesBelow(after?.[0], limit - rows.length);
  const highest = values[0];
  const lowest = values.at(-1);
  if (highest === undefined || lowest === undefined) return rows;
  const isOne = lowest === highest;
  if (!isOne) rows.push(...(await parts.between(lowest, highest, limit - rows.length)));
  return [...rows, ...(await parts.equal(lowest, undefined, limit - rows.length))];
}
