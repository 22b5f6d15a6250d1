import { pipeline } from 'millrace';
import * as z from 'zod';

/** Remaining pieces of each article; a negative number has to be bought. */
export const stock = pipeline('stock', {
  event: z.object({ sku: z.string(), change: z.int() }),
  key: ({ sku }) => sku,
  state: z.object({ pieces: z.int() }),
  handle: ({ change }, shelf) => ({ pieces: (shelf?.pieces ?? 0) + change }),
});
