import { pipeline } from 'millrace';
import * as z from 'zod';

/** How many pieces of each article are left; below zero they have to be bought. */
export const stock = pipeline('stock', {
  event: z.object({ sku: z.string(), change: z.int() }),
  key: ({ sku }) => sku,
  state: z.object({ pieces: z.int() }),
  handle: ({ change }, shelf) => ({ pieces: (shelf?.pieces ?? 0) + change }),
});
