import type { StatementResult } from '../connection/flight.ts';
import type { Parameter, Statement } from '../connection/statement.ts';

/** UTF-8 bytes of one UTF-16 unit, at most. */
const bytesOfUnitMax = 3;

/** Rows in an order, with a column `size` of bytes. */
export interface OrderedRows {
  readonly rows: string;
  readonly order: string;
  /** What is asked of them. */
  readonly columns: string;
  /** Of the rows' statement. */
  readonly values: readonly Parameter[];
}

/** Runs statements that read, on one snapshot. */
export type Read = (...statements: readonly Statement[]) => Promise<readonly StatementResult[]>;

/**
 * Reads rows in their order, up to where the bytes of their texts make sure that the list is as long as it may be: the database
 * sends little more than the caller takes. Other statements are read with them.
 *
 * @param sizeMax UTF-16 units of the texts; undefined where a list may be as long as it is
 */
export async function readBounded(
  read: Read,
  { rows, order, columns, values }: OrderedRows,
  sizeMax: number | undefined,
  ...others: readonly Statement[]
): Promise<readonly StatementResult[]> {
  if (sizeMax === undefined || !Number.isFinite(sizeMax))
    return read({ text: `SELECT ${columns} FROM (${rows}) AS item ORDER BY ${order}`, values }, ...others);
  const bytesMax = Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(sizeMax * bytesOfUnitMax));
  const text = `SELECT ${columns} FROM (
      SELECT item.*, sum(size) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) - size AS size_before FROM (${rows}) AS item
    ) AS item WHERE size_before < $${values.length + 1} ORDER BY ${order}`;
  return read({ text, values: [...values, bytesMax] }, ...others);
}
