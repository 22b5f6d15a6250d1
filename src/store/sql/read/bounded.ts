import type { StatementResult } from '../connection/flight.ts';
import type { Parameter, Statement } from '../connection/statement.ts';

/** Maximum UTF-8 bytes of one UTF-16 unit. */
const bytesOfUnitMax = 3;

/** Rows in an order, with a column `size` of bytes. */
export interface OrderedRows {
  readonly rows: string;
  readonly order: string;
  /** The selected columns. */
  readonly columns: string;
  /** Parameters of the rows' statement. */
  readonly values: readonly Parameter[];
}

/** Runs reading statements on one snapshot. */
export type Read = (...statements: readonly Statement[]) => Promise<readonly StatementResult[]>;

/**
 * Returns a SELECT of rows in order, up to where the bytes of their texts guarantee that the list has reached its limit: the database sends
 * little more than the caller takes.
 *
 * @param charactersMax UTF-16 units of the texts; undefined for no limit
 */
export function boundedStatement({ rows, order, columns, values }: OrderedRows, charactersMax: number | undefined): Statement {
  if (charactersMax === undefined || !Number.isFinite(charactersMax))
    return { text: `SELECT ${columns} FROM (${rows}) AS item ORDER BY ${order}`, values };
  return { text: boundedText({ rows, order, columns }, values.length + 1), values: [...values, bytesFor(charactersMax)] };
}

/** Returns a SELECT of rows in order, while the earlier ones have fewer bytes than the parameter says. */
export function boundedText({ rows, order, columns }: Omit<OrderedRows, 'values'>, parameter: number): string {
  return `SELECT ${columns} FROM (
      SELECT item.*, sum(size) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) - size AS size_before FROM (${rows}) AS item
    ) AS item WHERE size_before < $${parameter} ORDER BY ${order}`;
}

/** Returns the maximum bytes of texts of `units` UTF-16 units. */
export function bytesFor(units = Number.POSITIVE_INFINITY): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(units * bytesOfUnitMax));
}
