import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqlite } from '../../src/index.ts';
import type { HistoryRow } from '../work/verdict.ts';
import { makeMillrace } from './millrace.ts';
import type { Peer, PeerMeans } from './peer.ts';

export function makeMillraceOnSqlite({ folder, handled }: PeerMeans): Peer {
  const path = join(folder, 'millrace.db');
  return makeMillrace(sqlite(path), handled, readsOf(path));
}

/** Reads the file like an outside observer. */
export function readsOf(path: string): Pick<Peer, 'history' | 'countOfStates'> {
  return {
    history: async () => rowsOf<HistoryRow>(path, 'SELECT key, seq, n, total FROM history ORDER BY rowid'),
    async countOfStates() {
      const [sum] = rowsOf<{ readonly count: number }>(path, "SELECT total(state ->> 'count') AS count FROM millrace_keys_work");
      return sum?.count ?? 0;
    },
  };
}

function rowsOf<Row>(path: string, sql: string): Row[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return db.prepare(sql).all() as unknown as Row[];
  } finally {
    db.close();
  }
}
