import { after, before, describe } from 'node:test';
import { PostgresDatabase, type PostgresKind, without } from '../../../test/postgres-database.ts';
import { storeContract } from '../contract.ts';
import { postgres } from './postgres-store.ts';

/** Declares the contract's tests on a kind of PostgreSQL. */
export function contractOn(kind: PostgresKind): void {
  describe(kind, { skip: without(kind) }, () => {
    let database: PostgresDatabase;
    before(async () => {
      database = await PostgresDatabase.open(kind);
    });
    after(() => database.close());

    storeContract(`the store for PostgreSQL on ${kind}`, {
      async create() {
        const schema = await database.createSchema();
        const store = postgres(database.url, { partitions: 3, schema, pooled: database.isPooled });
        return {
          async write(sql) {
            await database.query(sql, { schema });
          },
          async open(declaration) {
            await store.open(declaration);
            return store;
          },
          dispose: () => store.close(),
        };
      },
    });
  });
}
