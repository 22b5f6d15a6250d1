import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../../errors.ts';
import { sizeOf } from '../../node-sqlite/free-space.ts';
import { Select } from '../../node-sqlite/select.ts';
import { toStoreError } from '../../node-sqlite/sqlite-errors.ts';

const busyTimeoutMs = 2_000;
/** The files SQLite would read together with a database, whoever put them there. */
const logs = ['-wal', '-shm', '-journal'];

/**
 * Moves a complete database into the place of another one, or into an empty place. Whenever it is interrupted, even by power loss, either
 * the old database or the new one is there, whole:
 *
 * 1. Everything in the old one's log goes to its file, and the log is deleted: from here on the old file alone is complete. No other
 *    program can reach it until it is out of the way, so no new log appears.
 * 2. That is on disk before the new file takes over the name by a rename, and so is the new file: no log of the old database is ever found
 *    beside the new one.
 *
 * If the old database is too damaged to be opened, its log is deleted first. Throws `MILL_STORE_BUSY` while another program has the old one
 * open, and `MILL_STORE_…`; the old one then keeps its contents.
 */
export function putInPlace(complete: string, place: string): void {
  if (sizeOf(`${complete}-wal`) > 0) throw new MillraceError('MILL_INTERNAL', `${complete}: expected one file, found a log beside it`);
  sync(complete);
  const release = withdraw(place);
  try {
    sync(dirname(place));
    renameSync(complete, place);
    sync(dirname(place));
  } finally {
    release();
  }
}

/** Reduces a database to a single file, and keeps others out. Returns the function that ends that. */
function withdraw(place: string): () => void {
  // A log without a database belongs to nothing.
  if (sizeOf(place) === 0) return removeLogs(place);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(place, { timeout: busyTimeoutMs });
    const mode = new Select<[string]>(db, 'PRAGMA journal_mode = DELETE').get()?.[0];
    db.exec('BEGIN EXCLUSIVE');
    // Somebody may have brought the log back since the first statement.
    if (mode === 'delete' && !['-wal', '-journal'].some((suffix) => existsSync(`${place}${suffix}`))) return () => db?.close();
    throw new MillraceError('MILL_STORE_BUSY', `${place}: another program has the database open`);
  } catch (error) {
    db?.close();
    const fault = toStoreError(error, place);
    if (fault.code === 'MILL_STORE_CORRUPT') return removeLogs(place);
    throw fault;
  }
}

function removeLogs(place: string): () => void {
  for (const suffix of logs) rmSync(`${place}${suffix}`, { force: true });
  return () => undefined;
}

/** Waits until a file, or the names in a folder, are on disk. */
function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
