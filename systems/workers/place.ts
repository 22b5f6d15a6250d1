import * as z from 'zod';
import { table } from '../../src/index.ts';
import { RowText } from '../shared/text.ts';

/** Where a message stands in a play, and what makes that play this one and no other. */
export const Place = z.object({
  /** The row's id, in decimal. */
  row: RowText,
  /** A fingerprint of what the row says. */
  says: RowText,
  interval: z.int(),
  /** The sum of the intervals up to here, in milliseconds. */
  accumulated_time: z.int(),
  /** How many workers play. */
  workers: z.int(),
});
export type Place = z.infer<typeof Place>;

/** The place of the last message that was said in a play: a row, or none while there was none. */
export const placeTable = table(
  'workers_place',
  { name: 'text', row: 'text', says: 'text', interval: 'integer', accumulated_time: 'integer', workers: 'integer' },
  { primaryKey: ['name'] },
);

/** The name of its one row. */
export const lastPlace = 'last';
