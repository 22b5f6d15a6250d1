import { join } from 'node:path';
import { nextState, type WorkState } from '../work/state.ts';
import { openDatabase, readsOf } from './bare-sqlite.ts';
import { makePerMessageReader } from './per-message.ts';
import type { Reader, ReaderMeans } from './reader.ts';

/** One message at a time, on SQLite, which has one writer. */
export function makeSqlitePerMessageReader(means: ReaderMeans): Reader {
  const db = openDatabase(join(means.folder, 'per-message.db'));
  const state = db.prepare('SELECT body FROM state WHERE key = ?');
  const putState = db.prepare('INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET body = excluded.body');
  const addHistory = db.prepare('INSERT INTO history VALUES (?, ?, ?, ?)');
  const rows = {
    ...readsOf(db),
    open: async () => undefined,
    async handle(event: Parameters<typeof nextState>[0]) {
      db.exec('BEGIN IMMEDIATE');
      const body = state.get(event.key)?.body;
      const next = nextState(event, typeof body === 'string' ? (JSON.parse(body) as WorkState) : undefined);
      putState.run(event.key, JSON.stringify(next));
      addHistory.run(event.key, event.seq, event.n, next.count);
      db.exec('COMMIT');
    },
    async close() {
      db.close();
    },
  };
  return makePerMessageReader(rows, 1, means);
}
