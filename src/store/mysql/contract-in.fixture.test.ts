import { after, before, describe } from 'node:test';
import { MariadbDatabases } from '../../../test/mariadb-database.ts';
import { withoutMariadb } from '../../../test/mariadb-server.ts';
import { storeContract } from '../contract.ts';
import { mysql } from './mysql-store.ts';

/** Declares the contract's tests on a store with this many slices. */
export function contractIn(partitions: number): void {
  describe(`MariaDB, in ${partitions} slices`, { skip: withoutMariadb }, () => {
    let databases: MariadbDatabases;
    before(async () => {
      databases = await MariadbDatabases.open();
    });
    after(() => databases.close());

    storeContract(`the store for MySQL on MariaDB`, {
      hasInfinity: false,
      async create() {
        const name = await databases.create();
        const store = mysql(databases.url(name), { partitions });
        return {
          async write(sql) {
            await databases.query(sql, { database: name });
          },
          async open(declaration) {
            await store.open(declaration);
            return store;
          },
          async dispose() {
            await store.close();
            await databases.drop(name);
          },
        };
      },
    });
  });
}
