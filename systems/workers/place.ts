import * as z from 'zod';
import { table } from '../../src/index.ts';
import { RowText } from '../shared/text.ts';

/** The place of a message in a play, and the identity of that play. */
export const Place = z.object({
  /** The row's id, in decimal. */
  row: RowText,
  /** A fingerprint of the row's contents. */
  says: RowText,
  interval: z.int(),
  /** The sum of the intervals so far, in milliseconds. */
  accumulated_time: z.int(),
  /** Number of workers. */
  workers: z.int(),
});
export type Place = z.infer<typeof Place>;

/** The place of the last message said in a play: a row, or none before the first. */
export const placeTable = table(
  'workers_place',
  { name: 'text', row: 'text', says: 'text', interval: 'integer', accumulated_time: 'integer', workers: 'integer' },
  { primaryKey: ['name'] },
);

/** The name of its only row. */
export const lastPlace = 'last';
