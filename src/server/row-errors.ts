import * as z from 'zod';
import { describeFound } from '../describe-found.ts';
import { invalid } from '../pipeline/check.ts';
import { checkSchema } from '../pipeline/expectations.ts';
import { type UnreadableColumn, unreadableColumn, unreadableColumns } from '../pipeline/unreadable.ts';

/** The property of an answer that shows a row, to spread into its schema: `z.object({ id: z.string(), ...rowErrors })`. */
export const rowErrors = {
  errors: z
    .array(z.object({ column: z.string(), message: z.string() }))
    .optional()
    .meta({
      description: 'Columns whose value, written with SQL, cannot be shown; a placeholder replaces each.',
    }),
};

/** Returns the display of a row, with its unreadable columns. See `unreadableColumns`. */
export function withRowErrors<Item>(row: unknown, item: Item): Item | (Item & { readonly errors: readonly UnreadableColumn[] }) {
  const errors = unreadableColumns(row);
  return errors.length === 0 ? item : { ...item, errors };
}

/** A value that replaces a placeholder in a cursor: the one in the database, so that the next page begins after the row. */
export type ExactValue = { readonly blob: string } | { readonly integer: string } | { readonly real: string } | { readonly text: string };

/**
 * Returns the value of a row's column for a cursor. If the row shows a placeholder, it is the database's value, which determines the order
 * of the list. Read it back with {@link exactly}.
 */
export function exactValue<Row, Column extends keyof Row & string>(row: Row, column: Column): Row[Column] | ExactValue {
  if (typeof row !== 'object' || row === null) invalid(`exactValue: expected a row, found ${describeFound(row)}`);
  const unreadable = unreadableColumn(row, column);
  const found = unreadable === undefined ? row[column] : unreadable.found;
  if (found instanceof Uint8Array) return { blob: Buffer.from(found).toString('hex') };
  if (unreadable === undefined) return row[column];
  if (typeof found === 'bigint') return { integer: String(found) };
  if (typeof found === 'number') return { real: String(found) };
  if (typeof found === 'string') return { text: found };
  // Null sorts before everything, but nothing can be compared with it.
  return typeof row[column] === 'number' ? { real: '-Infinity' } : row[column];
}

const Exact = z
  .union([
    z.object({ blob: z.string().regex(/^([0-9a-f]{2})*$/) }).transform(({ blob }) => new Uint8Array(Buffer.from(blob, 'hex'))),
    z.object({ integer: z.string().regex(/^-?\d{1,19}$/) }).transform(({ integer }) => BigInt(integer)),
    z.object({ real: z.string().regex(/^-?(Infinity|\d[\d.e+-]*)$/) }).transform(({ real }) => Number(real)),
    z.object({ text: z.string() }).transform(({ text }) => text),
  ])
  .refine((value) => !Number.isNaN(value));

/**
 * Returns the schema of a value that {@link exactValue} put into a cursor; `schema` is the column's. The type is the column's, though it
 * may be any query value: it is only meant for comparison with the column.
 */
export function exactly<S extends z.ZodType>(schema: S): z.ZodType<z.output<S>> {
  checkSchema('exactly', schema);
  return z.union([schema, Exact]) as z.ZodType<z.output<S>>;
}
