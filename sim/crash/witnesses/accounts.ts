import type { FoundValue } from '../../../src/pipeline/table.ts';
import type { Store } from '../../../src/store/store.ts';
import type { AppliedTurn, Witness } from '../../ledger.ts';
import { type AccountsLoad, nameOfUpdate } from '../loads/accounts.ts';

type Row = Readonly<Record<string, FoundValue>>;

/** Witnesses the accounts by their indexed versions and the callbacks of these. */
export function accountsWitness({ planned }: AccountsLoad): Witness {
  /** From the latest reading: when each version was taken in, and its place in the log. */
  const indexedAt = new Map<string, number>();
  const positions = new Map<string, number>();
  return {
    pipeline: 'accounts',
    numbered: false,
    endpoints: [],
    nameOf: ({ id }) => id,
    async turns(store: Store) {
      const rows = await store.query('SELECT * FROM account_updates ORDER BY id, version', []);
      for (const row of rows) indexedAt.set(nameOf(row), momentOf(row.indexed_at));
      for (const { id, position } of await store.query('SELECT id, position FROM millrace_log_accounts', []))
        positions.set(String(id), Number(position));
      return rows.flatMap(turnsOf);
    },
    // The only valid reason is an earlier version that was at least as new.
    isIgnored: ({ id, position }, turns) => {
      const version = versionOf(id);
      return namesOf(turns).some((name) => versionOf(name) >= version && (positions.get(name) ?? position) < position);
    },
    fold(turns) {
      const name = namesOf(turns).at(-1);
      const update = name === undefined ? undefined : planned.get(name);
      if (name === undefined || update === undefined) return undefined;
      const last = turns.at(-1);
      const callbackPending = last?.cause.kind === 'event' && update.callbackTimeMs > 0;
      return { ...update, indexedAt: indexedAt.get(name), callbackPending };
    },
  };
}

/** Returns the turn that indexed a version, and that of its timer if it has fired. A callback of 0 ms fires in the first. */
function turnsOf(row: Row): readonly AppliedTurn[] {
  const key = String(row.id);
  const name = nameOf(row);
  const callbackMs = Number(row.callback_time_ms);
  const isTimed = callbackMs > 0;
  const armed = [{ timer: 'callback', arm: isTimed ? name : null, dueAt: isTimed ? momentOf(row.indexed_at) + callbackMs : 0 }];
  const indexed: AppliedTurn = { key, cause: { kind: 'event', name }, armed, asked: [], sent: [] };
  if (!isTimed || row.callback_at === null) return [indexed];
  const cause = { kind: 'timer', arm: name, at: momentOf(row.callback_at) } as const;
  return [indexed, { key, cause, armed: [], asked: [], sent: [] }];
}

function namesOf(turns: readonly AppliedTurn[]): readonly string[] {
  return turns.flatMap(({ cause }) => (cause.kind === 'event' ? [cause.name] : []));
}

function nameOf({ id, version }: Row): string {
  return nameOfUpdate({ id: String(id), version: Number(version) });
}

function versionOf(name: string): number {
  return Number(name.slice(name.lastIndexOf('#') + 1));
}

function momentOf(text: FoundValue | undefined): number {
  return Date.parse(String(text));
}
