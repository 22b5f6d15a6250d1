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
 * Pass it to `mill.query(table, forPage)` for rows that become a page: they end once their texts have 2 Mi UTF-16 units, so an answer
 * neither fills the memory nor makes others wait.
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
      description: `Maximum number of items; ${limitDefault} by default.`,
    })
    .default(limitDefault),
  cursor: z.string().optional().meta({ description: 'The `nextCursor` of the previous page.' }),
};

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** The start of the next page; absent on the last. */
  readonly nextCursor?: string;
}

/** Returns the schema of a page, for the docs. */
export function pageSchema<S extends z.ZodType>(item: S) {
  return z.object({ items: z.array(item), nextCursor: z.string().optional() });
}

/**
 * Returns a page of rows, of which the caller fetched one more than `limit` to know whether there are more. It has fewer items if the rows
 * are {@link forPage} and reach the size limit. `cursor` returns a row's place in the list: the values the list is sorted by; for rows of a
 * table use `exactValue`. Items of rows that could not be read completely say so in `errors`.
 */
export function pageOf<Row, Item>(rows: readonly Row[], options: PageOptions<Row, Item>): Page<Item> {
  checkPage(rows, options);
  const shown = rowsOfPage(rows, options.limit);
  const items = shown.map((row) => withRowErrors(row, options.item(row)));
  const last = shown.at(-1);
  return rows.length > shown.length && last !== undefined ? { items, nextCursor: encodeCursor(options.cursor(last)) } : { items };
}

/** Returns the rows that a page shows. Rows that were cut short have one more than it shows, which reveals that it is not the last. */
export function rowsOfPage<Row>(rows: readonly Row[], limit: number): readonly Row[] {
  return rows.slice(0, isCutShort(rows) && rows.length > 1 ? Math.min(limit, rows.length - 1) : limit);
}

/** Encodes values as one opaque word that fits into a URL. Throws `MILL_INVALID_DECLARATION` for anything but an array. */
export function encodeCursor(values: readonly CursorValue[]): string {
  checkCursor(values);
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

/** Decodes a cursor and checks its values with a schema. Throws `MILL_INVALID_REQUEST` for one that was not made by this list. */
export async function decodeCursor<S extends Schema>(schema: S, cursor: string): Promise<OutputOf<S>> {
  checkSchema('decodeCursor', schema);
  const result = await validate(schema, parseCursor(cursor));
  if (result.ok) return result.value;
  throw new MillraceError('MILL_INVALID_REQUEST', `cursor: ${expectation}`, { issues: [{ path: 'cursor', message: expectation }] });
}

const expectation = 'expected the nextCursor of an earlier page of this list';

/** Returns undefined, which no cursor's schema accepts, for a word that is not a cursor. */
function parseCursor(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}
