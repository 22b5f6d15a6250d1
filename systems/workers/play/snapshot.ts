import { closeSync, copyFileSync, existsSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A read-only view of a database as of one moment. */
export interface Snapshot {
  readonly db: DatabaseSync;
  close(): void;
}

/** Time to wait for another program's lock, in milliseconds. */
const busyTimeoutMs = 2_000;

/** The offset of the read version in a file's header, and its value for a write-ahead log (https://sqlite.org/fileformat2.html). */
const readVersionAt = 19;
const readVersionOfWal = 2;

/** SQLITE_READONLY and SQLITE_CANTOPEN (https://sqlite.org/rescode.html): a reader's errors when it finds unfinished work. */
const undoneCodes = [8, 14];

/**
 * Opens a database for reading. Nothing is written beside it: if SQLite itself would have to, since the file has an unopened write-ahead
 * log, or since a crash left a journal, a copy is read instead. Throws the errors of SQLite or the file system.
 */
export function openSnapshot(path: string): Snapshot {
  if (isWalAtRest(path)) return openCopy(path);
  try {
    return open(path, { readOnly: true });
  } catch (error) {
    if (existsSync(`${path}-journal`) && isUndone(error)) return openCopy(path);
    throw error;
  }
}

function open(path: string, { readOnly }: { readonly readOnly: boolean }, closed: () => void = () => undefined): Snapshot {
  let db: DatabaseSync | undefined;
  const close = () => {
    db?.close();
    closed();
  };
  try {
    db = new DatabaseSync(path, { readOnly, timeout: busyTimeoutMs });
    // The first read fixes what is seen from now on.
    db.exec('BEGIN; SELECT count(*) FROM sqlite_schema');
    return { db, close };
  } catch (error) {
    close();
    throw error;
  }
}

function openCopy(path: string): Snapshot {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  const copy = join(folder, basename(path));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    for (const suffix of ['', '-wal', '-journal']) if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
  } catch (error) {
    remove();
    throw error;
  }
  return open(copy, { readOnly: false }, remove);
}

/** An open database of this kind has its index, `-shm`, beside it. */
function isWalAtRest(path: string): boolean {
  if (existsSync(`${path}-shm`)) return false;
  const header = Buffer.alloc(readVersionAt + 1);
  const file = openSync(path, 'r');
  try {
    return readSync(file, header) === header.length && header[readVersionAt] === readVersionOfWal;
  } finally {
    closeSync(file);
  }
}

function isUndone(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && undoneCodes.includes(Number(error.errcode) & 0xff);
}
