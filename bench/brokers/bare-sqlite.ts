import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { HistoryRow } from '../work/verdict.ts';
import { type Batch, type BatchRows, makeBareReader } from './bare-loop.ts';
import type { Reader, ReaderMeans } from './reader.ts';

/** The limit on SQLite. */
export function makeBareSqliteReader(means: ReaderMeans): Reader {
  return makeBareReader(rowsIn(openDatabase(join(means.folder, 'bare.db'))), means);
}

/** A file that survives a power loss without losing a commit, with the tables of the work. */
export function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16000;
    CREATE TABLE log (position INTEGER PRIMARY KEY, key TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE state (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE history (key TEXT NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL, total INTEGER NOT NULL);
    CREATE TABLE offsets (topic_partition INTEGER PRIMARY KEY, next INTEGER NOT NULL)`);
  return db;
}

/** Reads the final contents of the tables. */
export function readsOf(db: DatabaseSync): Pick<Reader, 'history' | 'countOfStates'> {
  return {
    history: async () => db.prepare('SELECT key, seq, n, total FROM history ORDER BY rowid').all() as unknown as HistoryRow[],
    countOfStates: async () => Number(db.prepare("SELECT total(body ->> 'count') AS count FROM state").get()?.count),
  };
}

function rowsIn(db: DatabaseSync): BatchRows {
  const statements = {
    append: db.prepare('INSERT INTO log (key, body) VALUES (?, ?)'),
    addHistory: db.prepare('INSERT INTO history VALUES (?, ?, ?, ?)'),
    putState: db.prepare('INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET body = excluded.body'),
    move: db.prepare('UPDATE offsets SET next = ? WHERE topic_partition = ? AND next = ?'),
  };
  return {
    ...readsOf(db),
    async open(partitions) {
      for (let partition = 0; partition < partitions; partition += 1) db.exec(`INSERT INTO offsets VALUES (${partition}, 0)`);
    },
    async commit({ partition, expected, next, rows, states }: Batch) {
      db.exec('BEGIN IMMEDIATE');
      for (const { event, body, total } of rows) {
        statements.append.run(event.key, body);
        statements.addHistory.run(event.key, event.seq, event.n, total);
      }
      for (const [key, state] of states) statements.putState.run(key, JSON.stringify(state));
      const { changes } = statements.move.run(next, partition, expected);
      if (changes !== 1) throw new Error(`partition ${partition}: expected the offset ${expected}, found another`);
      db.exec('COMMIT');
    },
    async close() {
      db.close();
    },
  };
}
