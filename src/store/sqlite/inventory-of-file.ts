import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../errors.ts';
import { toStoreError } from '../node-sqlite/sqlite-errors.ts';
import type { InventoryQuery, StoredPipeline } from '../store.ts';
import { openReader } from './file/open-database.ts';
import { readInventory } from './partition/inventory.ts';
import { readVersion, schemaVersion } from './schema/schema.ts';

/** How long to wait for another program's lock. */
const busyTimeoutMs = 2_000;

/**
 * Counts a database's contents at one moment, whoever owns it, without writing anything. Throws `MILL_INVALID_CONFIGURATION` if the file is
 * missing or not a Millrace database, `MILL_TABLE_CHANGED` for another version, and `MILL_STORE_…`.
 */
export function inventoryOfFile(file: string, query: InventoryQuery): readonly StoredPipeline[] {
  const path = resolve(file);
  if (!existsSync(path)) throw new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: expected a database, found no such file`);
  const db = openReader({ path, busyTimeoutMs });
  try {
    db.exec('BEGIN');
    checkTables(db, path);
    return readInventory(db, query);
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
