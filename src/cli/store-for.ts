import { memory } from '../store/memory/memory-store.ts';
import { postgres } from '../store/postgres/postgres-store.ts';
import { sqlite } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import type { Database } from './database.ts';

/** The store for a database. Nothing is opened yet. */
export function storeFor(database: Database): Store {
  if (database.kind === 'memory') return memory();
  return database.kind === 'sqlite' ? sqlite(database.path) : postgres(database.url, database.options);
}
