import { MillraceError } from '../../errors.ts';

/** What stands in the place of the schema version while a copy is not finished: whatever version of Millrace starts, it is refused. */
export const copying = 'copying';

/** Throws `MILL_TABLE_CHANGED` for a database that a copy has not come to the end of. */
export function refuseUnfinishedCopy(version: unknown, database: string): void {
  if (version !== copying) return;
  const advice = 'Run millrace copy again to finish it, or delete the database and begin anew.';
  throw new MillraceError('MILL_TABLE_CHANGED', `${database}: expected a whole database, found a copy that is not finished. ${advice}`);
}
