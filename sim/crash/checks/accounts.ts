import type { SqlValue } from '../../../src/pipeline/table.ts';
import type { Store } from '../../../src/store/store.ts';

type Row = Readonly<Record<string, SqlValue>>;

/**
 * The callback of a version fires or is cancelled, never both; not before it is due; and it is cancelled by no version that
 * was taken in when it was due already. The row of an account is that of its latest version.
 */
export async function checkAccounts(store: Store, { isSettled }: { readonly isSettled: boolean }): Promise<readonly string[]> {
  const broken: string[] = [];
  const updates = Map.groupBy(await store.query('SELECT * FROM account_updates ORDER BY version', []), ({ id }) => String(id));
  const accounts = new Map((await store.query('SELECT * FROM accounts', [])).map((row) => [String(row.id), row]));
  for (const [id, versions] of updates) {
    for (const [at, row] of versions.entries()) {
      const say = (words: string) => broken.push(`accounts: ${id} version ${row.version}: ${words}`);
      for (const words of faultsOf(row, versions[at + 1])) say(words);
      if (isSettled && row.callback_at === null && row.cancelled_at === null) say('its callback was neither fired nor cancelled');
    }
    const last = versions.at(-1);
    const account = accounts.get(id);
    if (account?.version !== last?.version || (account?.callback_due_at === null) !== (last?.callback_at !== null))
      broken.push(`accounts: the row of ${id} is ${JSON.stringify(account)}, and its last version is ${JSON.stringify(last)}`);
  }
  for (const id of accounts.keys()) if (!updates.has(id)) broken.push(`accounts: ${id} has a row and no version`);
  return broken;
}

function faultsOf(row: Row, newer: Row | undefined): readonly string[] {
  const dueAt = moment(row.indexed_at) + Number(row.callback_time_ms);
  const faults: string[] = [];
  const [hasFired, isCancelled] = [row.callback_at !== null, row.cancelled_at !== null];
  if (hasFired && isCancelled) faults.push('its callback fired and was cancelled');
  if (hasFired && moment(row.callback_at) < dueAt) faults.push(`its callback was due at ${dueAt} and fired at ${row.callback_at}`);
  if (isCancelled && row.cancelled_by !== newer?.version) faults.push(`${row.cancelled_by} cancelled it, and ${newer?.version} came next`);
  if (isCancelled && row.cancelled_at !== newer?.indexed_at)
    faults.push(`it was cancelled at ${row.cancelled_at}, not with the next version`);
  if (isCancelled && moment(row.cancelled_at) >= dueAt) faults.push(`it was cancelled at ${row.cancelled_at}, when it had been due`);
  if (newer !== undefined && !isCancelled && moment(newer.indexed_at) < dueAt)
    faults.push('a newer version came in time and did not cancel it');
  if (newer !== undefined && !isCancelled && !hasFired) faults.push('a newer version took its place without a word');
  return faults;
}

function moment(text: SqlValue | undefined): number {
  return Date.parse(String(text));
}
