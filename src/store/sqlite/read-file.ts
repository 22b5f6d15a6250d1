import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../errors.ts';
import { toStoreError } from '../node-sqlite/sqlite-errors.ts';
import { openReader } from './file/open-database.ts';
import { readVersion, schemaVersion } from './schema/schema.ts';

/** Time to wait for another program's lock. */
const busyTimeoutMs = 2_000;

/**
 * Reads a database at one moment, whoever owns it: nothing is written. Throws `MILL_INVALID_CONFIGURATION` for a missing file or one that
 * is not a Millrace database, `MILL_TABLE_CHANGED` for another version, and `MILL_STORE_…`.
 */
export function readFile<T>(file: string, read: (db: DatabaseSync) => T): T {
  const path = resolve(file);
  if (!existsSync(path)) throw new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: expected a database, found no file`);
  const db = openReader({ path, busyTimeoutMs });
  try {
    db.exec('BEGIN');
    checkTables(db, path);
    return read(db);
  } catch (error) {
    throw toStoreError(error, path);
  } finally {
    db.close();
  }
}

function checkTables(db: DatabaseSync, path: string): void {
  const version = readVersion(db, path);
  if (version === schemaVersion) return;
  throw new MillraceError(
    'MILL_TABLE_CHANGED',
    `${path}: expected tables of schema version ${schemaVersion}, found version ${version}. The next start brings it up to date.`,
  );
}
