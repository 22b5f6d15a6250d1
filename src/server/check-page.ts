import { checkOptions, type OptionTable, required } from '../pipeline/check-options.ts';
import { integerFrom, synchronous } from '../pipeline/expectations.ts';
import { Place } from '../pipeline/place.ts';
import type { PageOptions } from './page-options.ts';

const pageOptions: OptionTable<PageOptions<unknown, unknown>> = {
  limit: required(integerFrom(1)),
  cursor: required(synchronous('(row) => [row.id]')),
  item: required(synchronous('(row) => ({ id: row.id })')),
};

/** Checks the arguments of `pageOf(…)`. Throws `MILL_INVALID_DECLARATION`. */
export function checkPage(rows: unknown, options: unknown): void {
  const place = new Place('pageOf', 'MILL_INVALID_DECLARATION');
  if (!Array.isArray(rows)) place.at('rows').expected('an array of rows', rows);
  checkOptions(options, pageOptions, place);
}

/** Checks the values passed to `encodeCursor(…)`, including those from the `cursor` of `pageOf(…)`. Throws `MILL_INVALID_DECLARATION`. */
export function checkCursor(values: unknown): void {
  if (!Array.isArray(values))
    new Place('encodeCursor', 'MILL_INVALID_DECLARATION').expected('an array of values, such as [row.id]', values);
}
