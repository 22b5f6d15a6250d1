import type { Mill } from '../../src/index.ts';
import { accountsTable } from './tables.ts';

/** How many accounts have a callback that is still to come, as the tables are now. */
export async function countPendingCallbacks(mill: Mill): Promise<number> {
  const { count } = await mill
    .query(accountsTable)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    // Not null, in words that let SQLite use the index.
    .where('callback_due_at', '>', '')
    .executeTakeFirstOrThrow();
  return count;
}
