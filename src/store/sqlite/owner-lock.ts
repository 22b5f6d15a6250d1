import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../errors.ts';
import { Select } from './select.ts';
import { toStoreError } from './sqlite-errors.ts';

/** A lock that another process has is not waited for; a passing reader of the owner's row is. */
const readerTimeoutMs = 1_000;

/**
 * Says that this process owns the database at a path, for as long as it lives. The lock is an open write transaction on a side
 * file, `<path>-owner`: the kernel lets go of it when the process dies, however it dies, and it keeps nobody from
 * reading the side file (who is it?) or from writing the database itself with SQL.
 *
 * Neither file may ever be opened in this process by other means than SQLite: POSIX locks are dropped when any
 * descriptor of the file is closed.
 */
export class OwnerLock {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Throws `MILL_STORE_OWNED`, at once and naming the owner, when there is one. */
  static take(path: string): OwnerLock {
    const side = `${path}-owner`;
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(side, { timeout: 0 });
      db.exec('BEGIN IMMEDIATE');
      db.exec(`PRAGMA busy_timeout = ${readerTimeoutMs}`);
      writeOwner(db);
      db.exec('COMMIT');
      db.exec('BEGIN IMMEDIATE');
      return new OwnerLock(db);
    } catch (error) {
      const mapped = toStoreError(error, side);
      const thrown = mapped.code === 'MILL_STORE_BUSY' && db !== undefined ? ownedError(db, path) : mapped;
      db?.close();
      throw thrown;
    }
  }

  release(): void {
    this.#db.close();
  }
}

function writeOwner(db: DatabaseSync): void {
  db.exec('CREATE TABLE IF NOT EXISTS owner (pid INTEGER NOT NULL, host TEXT NOT NULL, since TEXT NOT NULL) STRICT');
  db.exec('DELETE FROM owner');
  db.prepare('INSERT INTO owner VALUES (?, ?, ?)').run(process.pid, hostname(), new Date().toISOString());
}

function ownedError(db: DatabaseSync, path: string): MillraceError {
  const owner = readOwner(db);
  return new MillraceError('MILL_STORE_OWNED', `${path}: owned by ${owner}`);
}

function readOwner(db: DatabaseSync): string {
  try {
    db.exec(`PRAGMA busy_timeout = ${readerTimeoutMs}`);
    const row = new Select<[pid: number, host: string, since: string]>(db, 'SELECT pid, host, since FROM owner').get();
    if (row !== undefined) return `process ${row[0]} on ${row[1]} since ${row[2]}`;
  } catch {
    // The owner has only just made the file; that there is one is what counts.
  }
  return 'another process that is starting';
}
