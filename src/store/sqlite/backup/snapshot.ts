import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '../../../errors.ts';
import { toStoreError } from '../../node-sqlite/sqlite-errors.ts';
import { openReader } from '../file/open-database.ts';
import { Thread } from '../threads/thread.ts';
import type { VerifyMethods } from '../threads/verify-thread.ts';
import { bytesOf, checkSameStandings, type DatabaseContents, type PipelineStanding, readStandings } from './contents.ts';

/** Some 4 MiB: a few milliseconds, after which a stop request is noticed. */
const pagesInStep = 1_000;
/** Time to wait for another program's lock. */
const busyTimeoutMs = 2_000;

export interface CopyOptions {
  /** Called after each step; once all pages are copied they are verified. */
  readonly progress?: ((copied: number, pages: number) => void) | undefined;
  /** Ends the copy at its next step, with the signal's reason. */
  readonly signal: AbortSignal;
}

/**
 * Copies a database as of one moment, page by page, including row ids, free pages and anything users have added. A read transaction stays
 * open from the first page to the last: without it SQLite's backup would start over with each commit of another process. Others keep
 * writing meanwhile, and the write-ahead log keeps their writes.
 *
 * The copy is one file: it has no write-ahead log until an engine opens it. Returns its contents, once verified. Throws
 * `MILL_INVALID_CONFIGURATION` if the source is not a Millrace database, `MILL_TABLE_CHANGED` if its version cannot be opened,
 * `MILL_STORE_CORRUPT` if it is damaged, and `MILL_STORE_…`.
 */
export async function copySnapshot(source: string, copy: string, options: CopyOptions): Promise<DatabaseContents> {
  const standings = await copyPages(source, copy, options);
  options.signal.throwIfAborted();
  makeOneFile(copy);
  const contents = await verify(copy, source, options.signal);
  checkSameStandings(standings, contents.pipelines, source);
  return contents;
}

/** Returns the size of a database in bytes. Throws if a glance shows that it cannot be copied. */
export function checkSource(source: string): number {
  let db: DatabaseSync | undefined;
  try {
    db = openSource(source);
    readStandings(db, source);
    checkLength(db, source);
    return bytesOf(db);
  } catch (error) {
    throw toStoreError(error, source);
  } finally {
    db?.close();
  }
}

async function copyPages(source: string, copy: string, { progress, signal }: CopyOptions): Promise<readonly PipelineStanding[]> {
  const db = openSource(source);
  try {
    db.exec('BEGIN');
    const standings = readStandings(db, source);
    checkLength(db, source);
    const pages = await backup(db, copy, {
      rate: pagesInStep,
      progress({ totalPages, remainingPages }) {
        signal.throwIfAborted();
        progress?.(totalPages - remainingPages, totalPages);
      },
    });
    progress?.(pages, pages);
    return standings;
  } catch (error) {
    signal.throwIfAborted();
    const fault = toStoreError(error, source);
    // The source is read and the copy is written: only a source can be damaged.
    throw fault.code === 'MILL_STORE_CORRUPT' || fault === error ? fault : toStoreError(error, copy);
  } finally {
    db.close();
  }
}

/** The path must be free of links: the log is beside the file they lead to. */
function openSource(path: string): DatabaseSync {
  if (!isAtRest(path)) return openReader({ path, busyTimeoutMs });
  try {
    const url = pathToFileURL(path);
    url.searchParams.set('immutable', '1');
    return new DatabaseSync(url, { readOnly: true });
  } catch (error) {
    throw toStoreError(error, path);
  }
}

/**
 * Returns whether a file belongs to a database in write-ahead mode that has no log, not even an engine's. To read it SQLite would create a
 * log and its index beside it, and leave them there: they are unnecessary, and a backup may be in a read-only place.
 */
function isAtRest(path: string): boolean {
  return !['-wal', '-journal', '-owner'].some((suffix) => existsSync(`${path}${suffix}`)) && hasLogMode(path);
}

/** Checks the read version in the header: 2 with a write-ahead log (https://sqlite.org/fileformat2.html#file_format_version_numbers). */
function hasLogMode(path: string): boolean {
  const header = Buffer.alloc(20);
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, header);
  } finally {
    closeSync(descriptor);
  }
  return header[19] === 2;
}

/** SQLite itself does not notice a truncated file: missing parts read as zeros. With a log, the file may lack whatever is in the log. */
function checkLength(db: DatabaseSync, path: string): void {
  // In this order: another program may open or close the database at any moment, which creates a log or removes it.
  const bytes = bytesOf(db);
  if (existsSync(`${path}-wal`)) return;
  const { size } = statSync(path);
  if (size < bytes)
    throw new MillraceError('MILL_STORE_CORRUPT', `${path}: the database file is damaged: expected ${bytes} bytes, found ${size}`);
}

function makeOneFile(path: string): void {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 0 });
    db.exec('PRAGMA journal_mode = DELETE');
  } catch (error) {
    throw toStoreError(error, path);
  } finally {
    db?.close();
  }
}

/**
 * The copy is verified; a fault in it is one of the source. Reading it all cannot be interrupted: when the signal aborts, nobody waits for
 * it.
 */
async function verify(copy: string, source: string, signal: AbortSignal): Promise<DatabaseContents> {
  const thread = new Thread<VerifyMethods>('verify-thread', undefined);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    const contents = await Promise.race([thread.call('verify', copy), aborted]);
    await thread.close();
    return contents;
  } catch (error) {
    thread.abandon();
    signal.throwIfAborted();
    const { code, message, cause } = toStoreError(error, copy);
    throw new MillraceError(code, message.replaceAll(copy, source), { cause });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
