import { MillraceError } from '../../../errors.ts';
import { refuseUnfinishedCopy } from '../../copy/unfinished-copy.ts';

/** The versions of its tables that a store knows. */
export interface SchemaVersions {
  readonly present: number;
  /** The oldest version that is brought up to date. */
  readonly oldest: number;
}

/**
 * Throws `MILL_TABLE_CHANGED` for tables of a version older than `oldest` or newer than the current one, and for an unfinished copy.
 *
 * @param isKept true if tables of an earlier version must stay as they are, which is then refused
 */
export function checkVersion(found: unknown, name: string, { present, oldest }: SchemaVersions, isKept = false): void {
  const isVersion = /^\d+$/.test(String(found));
  if (isVersion && Number(found) >= (isKept ? present : oldest) && Number(found) <= present) return;
  refuseUnfinishedCopy(found, name);
  const problem = `expected tables of schema version ${present}, found version ${found}`;
  const isOlder = Number(found) >= oldest && Number(found) < present;
  const advice = isOlder ? 'Run millrace migrate first.' : 'Open it with the Millrace version that created it, or a newer one.';
  throw new MillraceError('MILL_TABLE_CHANGED', `${name}: ${problem}. ${advice}`);
}

/**
 * Throws `MILL_INVALID_CONFIGURATION` for a database without the engine's tables, and `MILL_TABLE_CHANGED` for tables of any version but
 * the current one.
 */
export function checkPresent(meta: ReadonlyMap<unknown, unknown>, name: string, versions: SchemaVersions): void {
  if (meta.size === 0)
    throw new MillraceError('MILL_INVALID_CONFIGURATION', `${name}: expected a Millrace database, found none of its tables`);
  checkVersion(meta.get('schema_version'), name, versions, true);
}

/** Throws `MILL_INVALID_CONFIGURATION` for another number of slices: keys live in slices, and most would be looked for in the wrong one. */
export function checkPartitions(found: unknown, { partitions, name }: { readonly partitions: number; readonly name: string }): void {
  if (found === String(partitions)) return;
  const message = `${name}: partitions: expected ${found}, fixed when the database was created, found ${partitions}`;
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message);
}
