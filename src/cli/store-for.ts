import { memory } from '../store/memory/memory-store.ts';
import { mysql } from '../store/mysql/mysql-store.ts';
import { postgres } from '../store/postgres/postgres-store.ts';
import { sqlite } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import type { Database } from './database.ts';

/** Returns the store for a database. Nothing is opened yet. */
export function storeFor(database: Database): Store {
  switch (database.kind) {
    case 'memory':
      return memory();
    case 'sqlite':
      return sqlite(database.path);
    case 'postgres':
      return postgres(database.url, database.options);
    case 'mysql':
      return mysql(database.url, database.options);
  }
}
