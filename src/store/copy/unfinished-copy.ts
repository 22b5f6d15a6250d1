import { MillraceError } from '../../errors.ts';

/** Replaces the schema version until a copy is finished, so that every version of Millrace refuses to start. */
export const copying = 'copying';

/** Throws `MILL_TABLE_CHANGED` for a database with an unfinished copy. */
export function refuseUnfinishedCopy(version: unknown, database: string): void {
  if (version !== copying) return;
  const advice = 'Run millrace copy again to finish it, or delete the database and start over.';
  throw new MillraceError('MILL_TABLE_CHANGED', `${database}: expected a complete database, found an unfinished copy. ${advice}`);
}
