import type { FoundValue } from '../../../src/pipeline/table.ts';
import type { Store } from '../../../src/store/store.ts';
import { nameOfUpdate } from '../loads/accounts.ts';

type Row = Readonly<Record<string, FoundValue>>;

export interface AccountsCheck {
  /** The times at which updates were known to be taken in, by name, in milliseconds since 1970; other updates are absent. */
  readonly acknowledged: ReadonlyMap<string, number>;
  readonly isSettled: boolean;
}

/**
 * Checks that a version's callback fires or is cancelled, never both; that it does not fire before it is due; and that it is cancelled by a
 * newer version acknowledged earlier, and by none taken in when it was already due. An account's row is that of its latest version.
 */
export async function checkAccounts(store: Store, { acknowledged, isSettled }: AccountsCheck): Promise<readonly string[]> {
  const updates = Map.groupBy(await store.query('SELECT * FROM account_updates ORDER BY version', []), ({ id }) => String(id));
  const accounts = new Map((await store.query('SELECT * FROM accounts', [])).map((row) => [String(row.id), row]));
  const ids = new Set([...updates.keys(), ...accounts.keys()]);
  return Array.from(ids, (id) => {
    const versions = updates.get(id) ?? [];
    const faults = versions.flatMap((row, at) =>
      [...callbackFaults(row, versions[at + 1], acknowledged), ...(isSettled ? restFaults(row) : [])].map(
        (words) => `version ${row.version}: ${words}`,
      ),
    );
    return [...faults, ...rowFaults(accounts.get(id), versions.at(-1))].map((words) => `accounts: ${id}: ${words}`);
  }).flat();
}

function rowFaults(account: Row | undefined, last: Row | undefined): readonly string[] {
  const isPending = last?.callback_at === null;
  const isSame =
    account?.version === last?.version && account?.tokens === last?.tokens && isPending === (account?.callback_due_at !== null);
  return isSame ? [] : [`its row is ${JSON.stringify(account)}, and its last version is ${JSON.stringify(last)}`];
}

function restFaults({ callback_at, cancelled_at }: Row): readonly string[] {
  return callback_at === null && cancelled_at === null ? ['its callback was neither fired nor cancelled'] : [];
}

function callbackFaults(row: Row, newer: Row | undefined, acknowledged: AccountsCheck['acknowledged']): readonly string[] {
  const dueAt = moment(row.indexed_at) + Number(row.callback_time_ms);
  const faults: string[] = [];
  const [hasFired, isCancelled] = [row.callback_at !== null, row.cancelled_at !== null];
  if (hasFired && isCancelled) faults.push('its callback fired and was cancelled');
  if (hasFired && moment(row.callback_at) < dueAt) faults.push(`its callback was due at ${dueAt} and fired at ${row.callback_at}`);
  if (isCancelled && row.cancelled_by !== newer?.version) faults.push(`${row.cancelled_by} cancelled it, but ${newer?.version} came next`);
  if (isCancelled && row.cancelled_at !== newer?.indexed_at)
    faults.push(`it was cancelled at ${row.cancelled_at}, not with the next version`);
  if (isCancelled && moment(row.cancelled_at) >= dueAt) faults.push(`it was cancelled at ${row.cancelled_at}, when it was already due`);
  const knownAt =
    newer === undefined ? undefined : acknowledged.get(nameOfUpdate({ id: String(newer.id), version: Number(newer.version) }));
  if (hasFired && knownAt !== undefined && knownAt < dueAt)
    faults.push('a newer version was acknowledged before it was due and did not cancel it');
  if (newer !== undefined && !isCancelled && !hasFired) faults.push('a newer version replaced it without cancelling it');
  return faults;
}

function moment(text: FoundValue | undefined): number {
  return Date.parse(String(text));
}
