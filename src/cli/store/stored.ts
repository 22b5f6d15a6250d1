import { schedulesName } from '../../engine/schedules/schedules.ts';
import { inventoryOfFile } from '../../store/sqlite/inventory-of-file.ts';
import type { StoredPipeline } from '../../store/store.ts';
import type { Database } from '../database.ts';
import { UsageError } from '../usage-error.ts';

/** The file of a database. Throws `UsageError` for one in memory, of which nothing is left. */
export function fileOf(database: Database): string {
  if (database.kind === 'sqlite') return database.path;
  throw new UsageError('--database: expected a database in a file, found memory:');
}

/** What is stored of each pipeline; of the schedules by name. */
export function storedIn(file: string): readonly StoredPipeline[] {
  return inventoryOfFile(file, { uncounted: [], named: [schedulesName] });
}
