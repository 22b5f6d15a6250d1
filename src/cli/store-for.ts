import { memory } from '../store/memory/memory-store.ts';
import { sqlite } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import type { Database } from './database.ts';

/** The store for a database. Nothing is opened yet. */
export function storeFor(database: Database): Store {
  return database.kind === 'memory' ? memory() : sqlite(database.path);
}
