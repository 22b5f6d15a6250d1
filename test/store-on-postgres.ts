import { postgres } from '../src/store/postgres/postgres-store.ts';
import type { Store } from '../src/store/store.ts';
import type { PostgresDatabase } from './postgres-database.ts';

export interface StoreOnPostgres {
  /** Its own schema, which is created when the store is opened. */
  readonly schema: string;
  /**
   * True if its leases must be renewed. They expire by the database's clock, which a test with a simulated clock does not advance; no other
   * test wants them.
   */
  readonly isLeased: boolean;
}

/** Makes a store in three slices on a test's database. It logs nothing, since its only warning would be that this server does without a disk. */
export function storeOnPostgres(database: PostgresDatabase, { schema, isLeased }: StoreOnPostgres): Store {
  const store = postgres(database.url, { schema, partitions: 3, pooled: database.isPooled });
  const open: Store['open'] = async (declared, _log, signal) => {
    await database.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    return store.open(declared, undefined, signal);
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === 'leaseMs' && !isLeased) return undefined;
      const member: unknown = name === 'open' ? open : Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
