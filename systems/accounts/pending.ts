import type { Mill } from '../../src/index.ts';
import { accountsTable } from './tables.ts';

/** Counts the accounts with a pending callback, from the current tables. */
export async function countPendingCallbacks(mill: Mill): Promise<number> {
  const { count } = await mill
    .query(accountsTable)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    // Not null, in a form that lets SQLite use the index.
    .where('callback_due_at', '>', '')
    .executeTakeFirstOrThrow();
  return count;
}
