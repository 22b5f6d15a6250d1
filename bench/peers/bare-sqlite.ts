import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { WorkEvent } from '../work/event.ts';
import { nextState, type WorkState } from '../work/state.ts';
import type { HistoryRow } from '../work/verdict.ts';
import type { Peer, PeerMeans } from './peer.ts';

/** Number of events in one transaction, as in Millrace. */
const eventsPerCommit = 2_000;

/**
 * The limit: a loop that writes Millrace's rows (log, state, history, cursor) with as little as possible around it. No retries, timers,
 * time limits or metrics; one thread, which waits for the disk.
 */
export function makeBareSqlite({ folder, handled }: PeerMeans): Peer {
  const db = openDatabase(join(folder, 'bare.db'));
  const statements = prepare(db);
  const states = new Map<string, WorkState>();
  const arrivals: { readonly events: readonly WorkEvent[]; readonly done: () => void }[] = [];
  let isWorking = false;
  let isScheduled = false;

  /** One transaction for everybody who waits, then one for the events to handle. */
  function turn(): void {
    isScheduled = false;
    const taken = arrivals.splice(0);
    if (taken.length > 0) {
      db.exec('BEGIN IMMEDIATE');
      for (const { events } of taken) for (const event of events) statements.append.run(event.key, JSON.stringify(event));
      db.exec('COMMIT');
      for (const { done } of taken) done();
    }
    if (isWorking && handleSome()) schedule();
  }

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(turn);
  }

  /** Returns whether there may be more. */
  function handleSome(): boolean {
    const cursor = Number(statements.cursor.get()?.position ?? 0);
    const rows = statements.read.all(cursor, eventsPerCommit) as unknown as { readonly position: number; readonly body: string }[];
    const last = rows.at(-1);
    if (last === undefined) return false;
    const changed = new Map<string, WorkState>();
    const events = rows.map(({ body }) => JSON.parse(body) as WorkEvent);
    db.exec('BEGIN IMMEDIATE');
    for (const event of events) {
      const next = nextState(event, states.get(event.key) ?? stored(event.key));
      states.set(event.key, next);
      changed.set(event.key, next);
      statements.addHistory.run(event.key, event.seq, event.n, next.count);
    }
    for (const [key, state] of changed) statements.putState.run(key, JSON.stringify(state));
    statements.moveCursor.run(last.position);
    db.exec('COMMIT');
    for (const event of events) handled(event.n);
    return true;
  }

  function stored(key: string): WorkState | undefined {
    const body = statements.state.get(key)?.body;
    return typeof body === 'string' ? (JSON.parse(body) as WorkState) : undefined;
  }

  return {
    async start() {},
    ingest(events) {
      const { promise, resolve } = Promise.withResolvers<void>();
      arrivals.push({ events, done: resolve });
      schedule();
      return promise;
    },
    async work() {
      isWorking = true;
      schedule();
    },
    async rest() {
      isWorking = false;
    },
    async history() {
      return db.prepare('SELECT key, seq, n, total FROM history ORDER BY rowid').all() as unknown as HistoryRow[];
    },
    async countOfStates() {
      return Number(db.prepare("SELECT total(body ->> 'count') AS count FROM state").get()?.count);
    },
    async stop() {
      db.close();
    },
  };
}

function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16000;
    CREATE TABLE IF NOT EXISTS log (position INTEGER PRIMARY KEY, key TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS history (key TEXT NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL, total INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS cursor (id INTEGER PRIMARY KEY, position INTEGER NOT NULL);
    INSERT OR IGNORE INTO cursor VALUES (1, 0)`);
  return db;
}

function prepare(db: DatabaseSync) {
  return {
    append: db.prepare('INSERT INTO log (key, body) VALUES (?, ?)'),
    read: db.prepare('SELECT position, body FROM log WHERE position > ? ORDER BY position LIMIT ?'),
    cursor: db.prepare('SELECT position FROM cursor WHERE id = 1'),
    moveCursor: db.prepare('UPDATE cursor SET position = ? WHERE id = 1'),
    state: db.prepare('SELECT body FROM state WHERE key = ?'),
    putState: db.prepare('INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET body = excluded.body'),
    addHistory: db.prepare('INSERT INTO history VALUES (?, ?, ?, ?)'),
  };
}
