import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../../errors.ts';
import { Select } from '../../node-sqlite/select.ts';
import { isBusy, toStoreError } from '../../node-sqlite/sqlite-errors.ts';
import { lockHolders } from '../wal/file-locks.ts';
import { createFile, modeOf, privateMode } from './private-files.ts';

/** Another process's lock is not waited for; a passing reader of the owner's row is. */
const readerTimeoutMs = 1_000;
/** The byte locked by every writer of a database at any stage (https://sqlite.org/lockingv3.html). */
const reservedByte = 0x4000_0001;

interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

/**
 * Makes this process the owner of the database at a path, for as long as it lives. The lock is an open write transaction on a side file,
 * `<path>-owner`: the kernel releases it when the process dies, however it dies, and it keeps nobody from reading the side file (to see the
 * owner) or from writing the database itself with SQL.
 *
 * Only the lock counts. The side file also names its holder, unless it cannot be written: the disk is full, or a read-only user keeps a
 * transaction open on it. Then the kernel knows.
 *
 * Only SQLite may ever open either file in this process: POSIX locks are dropped when any descriptor of the file is closed.
 */
export class OwnerLock {
  readonly #db: DatabaseSync;
  readonly #side: string;

  private constructor(db: DatabaseSync, side: string) {
    this.#db = db;
    this.#side = side;
  }

  /** Throws `MILL_STORE_OWNED` at once, naming the owner, if there is one. The database need not exist yet. */
  static take(path: string): OwnerLock {
    const side = `${path}-owner`;
    for (;;) {
      const db = takeFile(path, side);
      if (db !== undefined) return new OwnerLock(db, side);
    }
  }

  release(): void {
    this.#db.close();
  }

  /** Releases the lock and deletes its file, for a path without a database in use. */
  remove(): void {
    rmSync(this.#side, { force: true });
    this.#db.close();
  }
}

/** Returns undefined if the previous owner has deleted the file meanwhile: a lock on it would keep nobody out. */
function takeFile(path: string, side: string): DatabaseSync | undefined {
  let db: DatabaseSync | undefined;
  let inode: number | undefined;
  const isThere = () => inode !== undefined && inodeOf(side) === inode;
  try {
    createFile(side, existsSync(path) ? modeOf(path) : privateMode);
    inode = inodeOf(side);
    db = new DatabaseSync(side, { timeout: 0 });
    lock(db, path);
    tryToWriteOwner(db, side);
    if (!db.isTransaction) lock(db, path);
    if (isThere()) return db;
  } catch (error) {
    if (inode === undefined || isThere()) {
      db?.close();
      throw toStoreError(error, side);
    }
  }
  db?.close();
  return undefined;
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function lock(db: DatabaseSync, path: string): void {
  try {
    db.exec('BEGIN IMMEDIATE');
  } catch (error) {
    if (!isBusy(error)) throw error;
    throw new MillraceError('MILL_STORE_OWNED', `${path}: owned by ${describeOwner(db, `${path}-owner`)}`);
  }
}

/** Commits the owner's row, or leaves the file unchanged. The lock is held until it does. */
function tryToWriteOwner(db: DatabaseSync, side: string): void {
  try {
    db.exec(`PRAGMA busy_timeout = ${readerTimeoutMs}`);
    db.exec('CREATE TABLE IF NOT EXISTS owner (pid INTEGER NOT NULL, host TEXT NOT NULL, since TEXT NOT NULL) STRICT');
    db.exec('DELETE FROM owner');
    db.prepare('INSERT INTO owner VALUES (?, ?, ?)').run(process.pid, hostname(), new Date().toISOString());
    db.exec('COMMIT');
  } catch (error) {
    const isFull = toStoreError(error, side).code === 'MILL_STORE_FULL';
    if (!isFull && !isBusy(error)) throw error;
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

function describeOwner(db: DatabaseSync, side: string): string {
  const row = readOwner(db);
  const holders = holdersOf(side);
  if (row !== undefined && (holders.length === 0 || holders.includes(row.pid))) {
    return `process ${row.pid} on ${row.host} since ${row.since}`;
  }
  return holders.length > 0 ? `process ${holders.join(', ')}` : 'another process that is starting';
}

function readOwner(db: DatabaseSync): Owner | undefined {
  try {
    db.exec(`PRAGMA busy_timeout = ${readerTimeoutMs}`);
    const [pid, host, since] = new Select<[pid: number, host: string, since: string]>(db, 'SELECT pid, host, since FROM owner').get() ?? [];
    return pid === undefined || host === undefined || since === undefined ? undefined : { pid, host, since };
  } catch {
    // The owner has only just created the file; its existence is what counts.
    return undefined;
  }
}

/** Returns the processes that hold the lock, as far as Linux reports them. */
function holdersOf(side: string): readonly number[] {
  try {
    return lockHolders(readFileSync('/proc/locks', 'utf8'), {
      inode: statSync(side).ino,
      from: reservedByte,
      to: reservedByte,
      kind: 'WRITE',
    });
  } catch {
    // Not Linux, or /proc is not mounted.
    return [];
  }
}
