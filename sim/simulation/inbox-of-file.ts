import { DatabaseSync } from 'node:sqlite';
import type { InboxTransaction } from '../../src/store/memory/memory-inbox.ts';
import type { NewInboxRow } from '../../src/store/store.ts';
import type { SimulatedInbox } from './other-program.ts';

/** Time for which a program waits while the engine keeps it from writing, in milliseconds. */
const busyTimeoutMs = 5_000;

/** The inbox of a database file, as another program writes to it. SQLite has one writer at a time, so rows get their places at the commit. */
export class InboxOfFile implements SimulatedInbox {
  readonly placesAtCommit = true;
  readonly #path: string;
  readonly #listeners = new Set<() => void>();

  constructor(path: string) {
    this.#path = path;
  }

  begin(): InboxTransaction {
    const rows: NewInboxRow[] = [];
    return {
      insert: (row) => void rows.push(row),
      commit: () => {
        this.#with((db) => {
          const insert = db.prepare('INSERT INTO millrace_inbox (pipeline, event, id, traceparent) VALUES (?, ?, ?, ?)');
          db.exec('BEGIN IMMEDIATE');
          for (const { pipeline, event, id, traceparent } of rows) insert.run(pipeline, event, id, traceparent);
          db.exec('COMMIT');
        });
      },
    };
  }

  get events(): readonly string[] {
    return this.#with((db) =>
      db
        .prepare('SELECT event FROM millrace_inbox')
        .all()
        .map(({ event }) => String(event)),
    );
  }

  tell(): void {
    for (const grown of this.#listeners) grown();
  }

  listen(grown: () => void): () => void {
    this.#listeners.add(grown);
    return () => this.#listeners.delete(grown);
  }

  #with<T>(use: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(this.#path, { timeout: busyTimeoutMs });
    try {
      return use(db);
    } finally {
      db.close();
    }
  }
}
