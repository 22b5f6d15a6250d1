import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { toStoreError } from '../../node-sqlite/sqlite-errors.ts';
import { migrateTables } from '../../node-sqlite/tables.ts';
import type { StoreDeclaration } from '../../store.ts';
import { openWriter, prepareWriter } from '../file/open-database.ts';
import { OwnerLock } from '../file/owner-lock.ts';
import { WriteLock } from '../file/write-lock.ts';
import { RecordedDatabase } from './recorded-database.ts';
import { createSchema } from './schema.ts';

const busyTimeoutMs = 2_000;

/**
 * Brings the tables of a file up to date, creating it if missing, and returns the statements executed. Throws what opening a store throws:
 * `MILL_STORE_OWNED` while a server runs on it, `MILL_TABLE_CHANGED` for an impossible change.
 */
export function migrateFile(file: string, declaration: StoreDeclaration): readonly string[] {
  const named = resolve(file);
  let lock: OwnerLock | undefined;
  let db: RecordedDatabase | undefined;
  try {
    db = openWriter({ path: named, busyTimeoutMs }, RecordedDatabase);
    const path = db.location() ?? named;
    lock = OwnerLock.take(path);
    prepareWriter(db, path);
    const changes = migrate(db, declaration);
    db.exec('COMMIT');
    return changes;
  } catch (error) {
    throw toStoreError(error, named);
  } finally {
    db?.close();
    lock?.release();
  }
}

/** Returns the statements that {@link migrateFile} would run, and leaves the file unchanged. A server may be running on it meanwhile. */
export function pendingInFile(file: string, declaration: StoreDeclaration): readonly string[] {
  const path = resolve(file);
  let db: RecordedDatabase | undefined;
  try {
    db = existsSync(path) ? openWriter({ path, busyTimeoutMs }, RecordedDatabase) : new RecordedDatabase(':memory:');
    return migrate(db, declaration);
  } catch (error) {
    throw toStoreError(error, path);
  } finally {
    db?.close();
  }
}

/** Leaves the transaction open: closing the connection then rolls it back. */
function migrate(db: RecordedDatabase, { pipelines, tables }: StoreDeclaration): readonly string[] {
  new WriteLock(db, busyTimeoutMs).begin();
  const before = db.changes.length;
  createSchema(
    db,
    pipelines.map(({ name }) => name),
  );
  migrateTables(db, tables);
  return db.changes.slice(before);
}
