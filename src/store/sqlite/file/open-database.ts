import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../../errors.ts';
import { Select } from '../../node-sqlite/select.ts';
import { toStoreError } from '../../node-sqlite/sqlite-errors.ts';
import { checkNames } from './database-file.ts';
import { createFile, makeFolder, privateMode } from './private-files.ts';

/** Options of a connection. */
export interface ConnectionOptions {
  readonly path: string;
  /** Time to wait for another program's lock. */
  readonly busyTimeoutMs: number;
}

/** Reading every page of a database of this size takes less than a tenth of a second. */
const fullCheckBytesMax = 32 * 1024 * 1024;
/**
 * Pages cached by the writer. The system caches the file's pages too, so a larger cache saves little: with 64 MiB, events of a million keys
 * were no cheaper. The process never returns the memory: SQLite keeps the pages, and the C library keeps whatever SQLite frees.
 */
const cacheKiB = 16 * 1024;
/**
 * Checkpoint every 64 MiB instead of every 4, until `WalKeeper` takes over: frequently changed pages are copied to the database less often.
 */
const checkpointPages = 16_000;
/** The size to which the write-ahead log is truncated after a reader had kept it growing. */
export const walBytesKept = 64 * 1024 * 1024;

/**
 * Opens the writing connection, so far only for reading: whether this process may write is not known yet. Creates a missing file, and its
 * folder, for this user alone. Throws `MILL_STORE_CORRUPT` for a file that is not a database or shorter than its header says,
 * `MILL_INVALID_CONFIGURATION` for one with a second name, `MILL_STORE_READ_ONLY`, or `MILL_STORE_BUSY`.
 */
export function openWriter(options: ConnectionOptions): DatabaseSync;
/** @param Connection the kind of connection */
export function openWriter<C extends DatabaseSync>(
  options: ConnectionOptions,
  Connection: new (...of: ConstructorParameters<typeof DatabaseSync>) => C,
): C;
export function openWriter({ path, busyTimeoutMs }: ConnectionOptions, Connection = DatabaseSync): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    makeFolder(dirname(path));
    checkNames(path);
    createFile(path, privateMode);
    db = new Connection(path, { timeout: busyTimeoutMs });
    new Select(db, 'SELECT count(*) FROM sqlite_schema').get();
    return db;
  } catch (error) {
    db?.close();
    throw toStoreError(error, path);
  }
}

/**
 * Makes commits append to a write-ahead log and reach the disk before they return (promise 1). Throws `MILL_STORE_CORRUPT` for a damaged
 * file.
 */
export function prepareWriter(db: DatabaseSync, path: string): void {
  checkLength(db, path);
  checkPages(db, path);
  const mode = new Select<[string]>(db, 'PRAGMA journal_mode = WAL').get()?.[0];
  if (mode !== 'wal') {
    throw new MillraceError(
      'MILL_STORE_READ_ONLY',
      `${path}: expected a file system that supports write-ahead logging, found journal mode ${mode}`,
    );
  }
  db.exec(`PRAGMA synchronous = FULL; PRAGMA cache_size = -${cacheKiB}; PRAGMA wal_autocheckpoint = ${checkpointPages};
    PRAGMA journal_size_limit = ${walBytesKept}`);
}

/**
 * SQLite itself does not notice a truncated last page: missing parts read as zeros. First moves whatever a crash left in the write-ahead
 * log to the file, which may lack exactly that. If that is impossible now, since another program is copying or reading it, the file is not
 * measured.
 */
function checkLength(db: DatabaseSync, path: string): void {
  const [bytes] = new Select<[number]>(db, 'SELECT page_count * page_size FROM pragma_page_count, pragma_page_size').get() ?? [0];
  const [busy, logged, moved] = moveLog(db, path);
  const { size } = statSync(path);
  if (busy === 0 && logged === moved && size < bytes)
    throw new MillraceError('MILL_STORE_CORRUPT', `${path}: the database file is damaged: expected ${bytes} bytes, found ${size}`);
}

/** While another connection copies the log, `busy` is 1 and the others -1 (https://sqlite.org/pragma.html#pragma_wal_checkpoint). */
type Moved = [busy: number, logged: number, moved: number];

/** On a full disk the log stays where it is. */
function moveLog(db: DatabaseSync, path: string): Moved {
  try {
    return new Select<Moved>(db, 'PRAGMA wal_checkpoint').get() ?? [0, 0, 0];
  } catch (error) {
    if (toStoreError(error, path).code === 'MILL_STORE_FULL') return [1, -1, 0];
    throw error;
  }
}

/** A small file is checked completely; in a large one damage shows when a call meets it. */
function checkPages(db: DatabaseSync, path: string): void {
  if (statSync(path).size > fullCheckBytesMax) return;
  const found = new Select<[string]>(db, 'PRAGMA quick_check(1)').get()?.[0];
  if (found !== 'ok') throw new MillraceError('MILL_STORE_CORRUPT', `${path}: the database file is damaged: ${found?.split('\n').at(-1)}`);
}

/** Opens a connection that reads committed data, beside the writer. */
export function openReader({ path, busyTimeoutMs }: ConnectionOptions): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
  } catch (error) {
    throw toStoreError(error, path);
  }
}

/**
 * Opens a connection that copies the write-ahead log into the database, beside the writer, and syncs the log before and the database after.
 */
export function openCheckpointer({ path, busyTimeoutMs }: ConnectionOptions): DatabaseSync {
  try {
    const db = new DatabaseSync(path, { timeout: busyTimeoutMs });
    db.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0');
    return db;
  } catch (error) {
    throw toStoreError(error, path);
  }
}
