import * as z from 'zod';
import { MillraceError } from '../errors.ts';
import { isCutShort } from '../pipeline/cut-short.ts';
import { checkSchema } from '../pipeline/expectations.ts';
import { type OutputOf, type Schema, validate } from '../pipeline/schema.ts';
import { checkCursor, checkPage } from './check-page.ts';
import type { CursorValue, PageOptions } from './page-options.ts';
import { withRowErrors } from './row-errors.ts';

const limitMax = 100;
const limitDefault = 20;

/**
 * What `mill.query(table, forPage)` is told whose rows become a page: they end once their texts have 2 Mi UTF-16 units, so that an
 * answer neither fills the memory nor keeps all others waiting.
 */
export const forPage: { readonly charactersMax: number } = { charactersMax: 2 * 1024 * 1024 };

/** The parameters of every list, to spread into the schema of its query: `z.object({ ...pageParameters, sort: … })`. */
export const pageParameters = {
  limit: z
    .string(`expected a whole number from 1 to ${limitMax}`)
    .regex(/^([1-9]\d?|100)$/, `expected a whole number from 1 to ${limitMax}`)
    .transform(Number)
    .meta({
      type: 'integer',
      minimum: 1,
      maximum: limitMax,
      pattern: undefined,
      description: `How many items to answer with; ${limitDefault} when it is not said.`,
    })
    .default(limitDefault),
  cursor: z.string().optional().meta({ description: 'The `nextCursor` of the page before.' }),
};

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the next page begins; absent on the last. */
  readonly nextCursor?: string;
}

/** The schema of a page, for the docs. */
export function pageSchema<S extends z.ZodType>(item: S) {
  return z.object({ items: z.array(item), nextCursor: z.string().optional() });
}

/**
 * A page out of rows, of which the caller fetched one more than `limit` to know whether there are others. It has fewer items where the
 * rows are {@link forPage} and hold as much as a page may. `cursor` says
 * what identifies a row's place in the list: the values that the list is sorted by, of rows of a table as `exactValue` has
 * them. Items of rows that could not be read whole say so, in `errors`.
 */
export function pageOf<Row, Item>(rows: readonly Row[], options: PageOptions<Row, Item>): Page<Item> {
  checkPage(rows, options);
  const shown = rowsOfPage(rows, options.limit);
  const items = shown.map((row) => withRowErrors(row, options.item(row)));
  const last = shown.at(-1);
  return rows.length > shown.length && last !== undefined ? { items, nextCursor: encodeCursor(options.cursor(last)) } : { items };
}

/** Returns the rows that a page shows. Those that were cut short have one more than it shows, by which it knows that it is not the last. */
export function rowsOfPage<Row>(rows: readonly Row[], limit: number): readonly Row[] {
  return rows.slice(0, isCutShort(rows) && rows.length > 1 ? Math.min(limit, rows.length - 1) : limit);
}

/** Values as one opaque word that fits into a URL. Throws `MILL_INVALID_DECLARATION` for what is no array. */
export function encodeCursor(values: readonly CursorValue[]): string {
  checkCursor(values);
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

/** The values of a cursor that came back, checked by a schema. Throws `MILL_INVALID_REQUEST` for one that was not made by this list. */
export async function decodeCursor<S extends Schema>(schema: S, cursor: string): Promise<OutputOf<S>> {
  checkSchema('decodeCursor', schema);
  const result = await validate(schema, parseCursor(cursor));
  if (result.ok) return result.value;
  throw new MillraceError('MILL_INVALID_REQUEST', `cursor: ${expectation}`, { issues: [{ path: 'cursor', message: expectation }] });
}

const expectation = 'expected the nextCursor of an earlier answer of this list';

/** Undefined, which no cursor's schema accepts, for a word that is no cursor. */
function parseCursor(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}
