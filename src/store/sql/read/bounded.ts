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
 * A SELECT of rows in their order, up to where the bytes of their texts make sure that the list is as long as it may be: the database
 * sends little more than the caller takes.
 *
 * @param charactersMax UTF-16 units of the texts; undefined where a list may be as long as it is
 */
export function boundedStatement({ rows, order, columns, values }: OrderedRows, charactersMax: number | undefined): Statement {
  if (charactersMax === undefined || !Number.isFinite(charactersMax))
    return { text: `SELECT ${columns} FROM (${rows}) AS item ORDER BY ${order}`, values };
  return { text: boundedText({ rows, order, columns }, values.length + 1), values: [...values, bytesFor(charactersMax)] };
}

/** A SELECT of rows in their order, as long as those before have less bytes than the parameter says. */
export function boundedText({ rows, order, columns }: Omit<OrderedRows, 'values'>, parameter: number): string {
  return `SELECT ${columns} FROM (
      SELECT item.*, sum(size) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) - size AS size_before FROM (${rows}) AS item
    ) AS item WHERE size_before < $${parameter} ORDER BY ${order}`;
}

/** Bytes that texts of so many UTF-16 units have at most. */
export function bytesFor(units = Number.POSITIVE_INFINITY): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(units * bytesOfUnitMax));
}
