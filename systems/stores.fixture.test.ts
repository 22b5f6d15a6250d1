import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import nodeTest, { after, before, type TestContext } from 'node:test';
import { memory, type SqlValue, type Store, sqlite } from '../src/index.ts';
import { MariadbDatabases } from '../test/mariadb-database.ts';
import { withoutMariadb } from '../test/mariadb-server.ts';
import { PostgresDatabase, type PostgresKind, without } from '../test/postgres-database.ts';
import { temporaryFolder } from '../test/program.ts';
import { storeOnMariadb } from '../test/store-on-mariadb.ts';
import { storeOnPostgres } from '../test/store-on-postgres.ts';

export interface SystemStore {
  readonly store: Store;
  /**
   * Runs a statement as any user of the database may; a parameter is a `?`. Not available in memory, which nobody else can reach, or before
   * the store is open.
   */
  run(sql: string, ...parameters: readonly SqlValue[]): Promise<readonly Record<string, unknown>[]>;
}

export interface StoreContext extends TestContext {
  /** A fresh store. `isVirtual`: its mill runs on the test's clock. */
  openStore(options?: { readonly isVirtual?: boolean }): SystemStore;
}

type StoreName = 'memory' | 'sqlite' | 'postgres' | 'mariadb';

/** The releases of PostgreSQL that all of these tests run on. */
const releases = ['PostgreSQL 15', 'PostgreSQL 18'] as const satisfies readonly PostgresKind[];
type Kind = Exclude<StoreName, 'postgres'> | (typeof releases)[number];

const wanted = new Set<Kind>();
const databases = new Map<Kind, PostgresDatabase>();
let mariadb: MariadbDatabases | undefined;
let schemas = 0;

after(() => Promise.all([...databases.values(), mariadb].map((database) => database?.close())));

/** Returns a `test` function whose tests run on each of the stores. */
export function testOn(...names: readonly StoreName[]): (title: string, run: (context: StoreContext) => void | Promise<void>) => void {
  const kinds: readonly Kind[] = names.flatMap((name) => (name === 'postgres' ? releases : [name]));
  const fresh = new Set(kinds.filter((kind) => !wanted.has(kind) && !reasonToSkip(kind)));
  for (const kind of fresh) wanted.add(kind);
  before(async () => {
    for (const release of releases) if (fresh.has(release)) databases.set(release, await PostgresDatabase.open(release));
    if (fresh.has('mariadb')) mariadb = await MariadbDatabases.open();
  });
  return (title, run) => {
    for (const kind of kinds) {
      const skip = reasonToSkip(kind);
      nodeTest(`${title}, on ${kind}`, { skip }, (context) =>
        run(Object.assign(context, { openStore: ({ isVirtual = false } = {}) => open(kind, context, isVirtual) })),
      );
    }
  };
}

function reasonToSkip(kind: Kind): string | false {
  if (kind === 'memory' || kind === 'sqlite') return false;
  return kind === 'mariadb' ? withoutMariadb : without(kind);
}

function open(kind: Kind, context: TestContext, isVirtual: boolean): SystemStore {
  switch (kind) {
    case 'memory':
      return { store: memory(), run: () => assert.fail('expected a store that others reach') };
    case 'sqlite':
      return onSqlite(context);
    case 'mariadb':
      return onMariadb(isVirtual);
    default:
      return onPostgres(kind, isVirtual);
  }
}

function onSqlite(context: TestContext): SystemStore {
  const path = join(temporaryFolder(context), 'mill.db');
  return {
    store: sqlite(path),
    async run(sql, ...parameters) {
      const database = new DatabaseSync(path, { timeout: 5_000 });
      try {
        return database.prepare(sql).all(...parameters);
      } finally {
        database.close();
      }
    },
  };
}

function onPostgres(kind: Kind, isVirtual: boolean): SystemStore {
  const database = databases.get(kind);
  assert.ok(database);
  schemas += 1;
  const schema = `system_${schemas}`;
  return {
    store: storeOnPostgres(database, { schema, isLeased: !isVirtual }),
    run(sql, ...parameters) {
      let nth = 0;
      return database.query(
        sql.replaceAll('?', () => `$${++nth}`),
        { values: parameters, schema },
      );
    },
  };
}

function onMariadb(isVirtual: boolean): SystemStore {
  const databases = mariadb;
  assert.ok(databases);
  const name = databases.name();
  return {
    store: storeOnMariadb(databases, { name, isLeased: !isVirtual }),
    // In other sessions double quotes enclose a text.
    run: (sql, ...values) => databases.query(sql.replaceAll('"', '`'), { database: name, values }),
  };
}
