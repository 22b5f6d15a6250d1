import { chmodSync, chownSync, existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../../errors.ts';
import { sizeOf } from '../../node-sqlite/free-space.ts';
import { toStoreError } from '../../node-sqlite/sqlite-errors.ts';
import { checkNames, realPath } from '../file/database-file.ts';
import { OwnerLock } from '../file/owner-lock.ts';
import { makeFolder, modeOf } from '../file/private-files.ts';
import { type BackupOptions, writeAt } from './backup.ts';
import type { DatabaseContents } from './contents.ts';
import { checkApart, checkIsFile, checkPlace, placeOf } from './files.ts';
import { checkSource, copySnapshot } from './snapshot.ts';

/**
 * Replaces a database that nothing runs on by a backup's contents. The backup is copied and the copy verified before the database is
 * touched; at every moment the old database or the new one is there, whole. The new one keeps the old one's mode and owner.
 *
 * Throws `MILL_STORE_OWNED` while an engine runs on the database, `MILL_STORE_BUSY` while another program has it open, `MILL_CONFLICT` if
 * it holds anything without `force`, and the errors of `backUpSqlite`.
 */
export async function restoreSqlite(file: string, database: string, options: BackupOptions): Promise<DatabaseContents> {
  const [named, namedDatabase] = [resolve(file), resolve(database)];
  checkIsFile(named, 'a backup');
  const [backup, place] = [realPath(named), placeOf(namedDatabase)];
  checkApart(backup, place);
  const bytes = checkSource(backup);
  prepareFolder(place);
  checkNames(place);
  const owned = OwnerLock.take(place);
  try {
    checkEmpty(place, options.force);
    const write = async (partial: string) => {
      const contents = await copySnapshot(backup, partial, options);
      keepLog(partial);
      makeLike(place, partial);
      return contents;
    };
    return await writeAt(place, { bytes, write }, options);
  } finally {
    if (existsSync(place)) owned.release();
    else owned.remove();
  }
}

function prepareFolder(database: string): void {
  try {
    makeFolder(dirname(database));
  } catch (error) {
    throw toStoreError(error, database);
  }
  checkPlace(database);
}

function checkEmpty(place: string, force: boolean): void {
  if (force || sizeOf(place) + sizeOf(`${place}-wal`) === 0) return;
  throw new MillraceError('MILL_CONFLICT', `${place}: a database exists there; --force replaces it, with everything in it`);
}

/**
 * Marks the file as having a write-ahead log, like each database of an engine: a reader of one without would keep the engine from starting.
 */
function keepLog(partial: string): void {
  const db = new DatabaseSync(partial, { timeout: 0 });
  try {
    db.exec('PRAGMA journal_mode = WAL');
  } finally {
    db.close();
  }
}

/** Everyone who could open the database can still do so afterwards. */
function makeLike(place: string, partial: string): void {
  const old = statSync(place, { throwIfNoEntry: false });
  if (old === undefined) return;
  chmodSync(partial, modeOf(place));
  const { uid, gid } = statSync(partial);
  if (uid !== old.uid || gid !== old.gid) chownSync(partial, old.uid, old.gid);
}
