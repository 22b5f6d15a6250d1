import { lstatSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { MillraceError } from '../../../errors.ts';
import { toStoreError } from '../../node-sqlite/sqlite-errors.ts';
import { realPath } from '../file/database-file.ts';
import { OwnerLock } from '../file/owner-lock.ts';
import type { DatabaseContents } from './contents.ts';
import { checkApart, checkIsFile, checkPlace, checkRoom, placeOf } from './files.ts';
import { PartialFile, removeLeftovers } from './partial-file.ts';
import { putInPlace } from './put-in-place.ts';
import { type CopyOptions, checkSource, copySnapshot } from './snapshot.ts';

/** Options of a backup or a restore. */
export interface BackupOptions extends CopyOptions {
  /** True if an existing file may be replaced. */
  readonly force: boolean;
  /** Called with each deleted file of an interrupted backup or restore. */
  readonly leftover?: ((path: string) => void) | undefined;
}

/**
 * Copies a database into a file, whoever owns it and even while it is being written: nothing waits for the backup, and it includes
 * everything acknowledged before it began. The file appears in its place once it is complete, verified and on disk; an interrupted backup
 * leaves nothing there. When the signal aborts, it rejects with the signal's reason after finishing the current step and deleting the
 * partial file.
 *
 * Throws `MILL_INVALID_CONFIGURATION` for an unusable path, `MILL_CONFLICT` for an existing file without `force`, `MILL_STORE_OWNED` for a
 * database in use, `MILL_STORE_FULL`, and the errors of `copySnapshot`.
 */
export async function backUpSqlite(database: string, file: string, options: BackupOptions): Promise<DatabaseContents> {
  const [named, namedSource] = [resolve(file), resolve(database)];
  checkIsFile(namedSource, 'a database');
  checkPlace(named);
  const [place, source] = [placeOf(named), realPath(namedSource)];
  checkPlace(place);
  checkApart(place, source);
  checkNew(named, options.force);
  const bytes = checkSource(source);
  const owned = lockReplaced(place);
  try {
    const write = async (partial: string) => {
      const contents = await copySnapshot(source, partial, options);
      checkNew(named, options.force);
      return contents;
    };
    return await writeAt(place, { bytes, write }, options);
  } finally {
    owned?.remove();
  }
}

/** The file to write, and its size. */
interface Writing<T> {
  readonly bytes: number;
  write(partial: string): Promise<T>;
}

/** Writes a file beside its place, and moves it there. Deletes its partial file on failure, and when the signal aborts. */
export async function writeAt<T>(place: string, { bytes, write }: Writing<T>, { signal, leftover }: BackupOptions): Promise<T> {
  let partial: PartialFile | undefined;
  try {
    for (const path of removeLeftovers(dirname(place))) leftover?.(path);
    checkRoom(dirname(place), bytes);
    partial = PartialFile.create(place);
    const written = await write(partial.path);
    signal.throwIfAborted();
    putInPlace(partial.path, place);
    return written;
  } catch (error) {
    signal.throwIfAborted();
    throw toStoreError(error, place);
  } finally {
    partial?.remove();
  }
}

function checkNew(file: string, force: boolean): void {
  if (force || lstatSync(file, { throwIfNoEntry: false }) === undefined) return;
  throw new MillraceError('MILL_CONFLICT', `${file}: a file exists there; --force replaces it`);
}

/** A replaced file must not be a database in use. */
function lockReplaced(place: string): OwnerLock | undefined {
  return lstatSync(place, { throwIfNoEntry: false }) === undefined ? undefined : OwnerLock.take(place);
}
