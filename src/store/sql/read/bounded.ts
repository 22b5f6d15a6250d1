/** UTF-8 bytes of one UTF-16 unit, at most. */
const bytesOfUnitMax = 3;

/** Rows in an order, with a column `size` of bytes. */
export interface OrderedRows {
  readonly rows: string;
  readonly order: string;
  /** What is asked of them. */
  readonly columns: string;
}

/**
 * A SELECT of rows in their order, up to where the bytes of their texts make sure that the list is as long as it may be: the database
 * sends little more than the caller takes. The bytes are the last parameter: {@link bytesFor}.
 *
 * @param limit the number of that parameter; undefined where a list may be as long as it is
 */
export function bounded({ rows, order, columns }: OrderedRows, limit: number | undefined): string {
  if (limit === undefined) return `SELECT ${columns} FROM (${rows}) AS item ORDER BY ${order}`;
  return `SELECT ${columns} FROM (
      SELECT item.*, sum(size) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) - size AS size_before FROM (${rows}) AS item
    ) AS item WHERE size_before < $${limit} ORDER BY ${order}`;
}

/** The bytes that hold so many UTF-16 units for certain. */
export function bytesFor(sizeMax: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(sizeMax * bytesOfUnitMax));
}
