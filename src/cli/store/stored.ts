import { schedulesName } from '../../engine/schedules/schedules.ts';
import { mysqlDialect } from '../../store/mysql/mysql-dialect.ts';
import { settingsOf as mysqlSettings } from '../../store/mysql/mysql-options.ts';
import { postgresDialect } from '../../store/postgres/postgres-dialect.ts';
import { settingsOf as postgresSettings } from '../../store/postgres/postgres-options.ts';
import { inventoryOfDatabase } from '../../store/sql/inventory-of-database.ts';
import { inventoryOfFile } from '../../store/sqlite/inventory-of-file.ts';
import type { InventoryQuery, Store, StoredPipeline } from '../../store/store.ts';
import { type Database, describeDatabase } from '../database.ts';
import { storeFor } from '../store-for.ts';
import { UsageError } from '../usage-error.ts';

const query: InventoryQuery = { uncounted: [], named: [schedulesName] };

/** Returns the file of a database. Throws `UsageError` if it is not SQLite. */
export function fileOf(database: Database): string {
  if (database.kind === 'sqlite') return database.path;
  throw new UsageError(`--database: expected a database in a file, found ${named(database)}`);
}

/**
 * Returns the stored contents of each pipeline, including schedules by name. Writes nothing, and creates no tables. Throws `UsageError` for
 * an in-memory database, which leaves nothing behind.
 */
export async function storedIn(database: Database): Promise<readonly StoredPipeline[]> {
  switch (database.kind) {
    case 'memory':
      return refuseMemory(database);
    case 'sqlite':
      return inventoryOfFile(database.path, query);
    case 'postgres':
      return inventoryOfDatabase(postgresDialect, postgresSettings(database.url, database.options), query);
    case 'mysql':
      return inventoryOfDatabase(mysqlDialect, mysqlSettings(database.url, database.options), query);
  }
}

/** Opens the store of a database without declarations, uses it and closes it. Throws like {@link storedIn}. */
export async function withStore<T>(database: Database, use: (store: Store) => Promise<T>): Promise<T> {
  if (database.kind === 'memory') return refuseMemory(database);
  const store = storeFor(database);
  await store.open({ pipelines: [], tables: [] });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

function refuseMemory(database: Database): never {
  throw new UsageError(`--database: expected a persistent database, found ${named(database)}`);
}

function named(database: Database): string {
  return database.kind === 'memory' ? 'memory:' : describeDatabase(database);
}
