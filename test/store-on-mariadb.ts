import { mysql } from '../src/store/mysql/mysql-store.ts';
import type { Store } from '../src/store/store.ts';
import type { MariadbDatabases } from './mariadb-database.ts';

export interface StoreOnMariadb {
  /** The name of its database; by default a new one. */
  readonly name?: string;
  /**
   * True if its leases must be renewed. They expire by the database's clock, which a test with a simulated clock does not advance; no other
   * test wants them.
   */
  readonly isLeased: boolean;
}

/** Makes a store in three slices, in its own database, which is created when the store is opened. */
export function storeOnMariadb(databases: MariadbDatabases, { name = databases.name(), isLeased }: StoreOnMariadb): Store {
  const store = mysql(databases.url(name), { partitions: 3 });
  const open: Store['open'] = async (declared, _log, signal) => {
    await databases.ensure(name);
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
