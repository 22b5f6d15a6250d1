import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MariadbDatabases } from '../../test/mariadb-database.ts';
import { withoutMariadb } from '../../test/mariadb-server.ts';
import { PostgresDatabase, postgresKinds, without } from '../../test/postgres-database.ts';
import { dice } from './contract/dice.ts';
import { find } from './contract/fixtures.ts';
import { kinds, Player } from './differential/player.fixture.test.ts';
import { sideBySide } from './differential/side-by-side.fixture.test.ts';
import { memory } from './memory/memory-store.ts';
import { mysql } from './mysql/mysql-store.ts';
import { postgres } from './postgres/postgres-store.ts';
import { sqlite } from './sqlite/sqlite-store.ts';
import type { Store } from './store.ts';

/** The older release takes part in every sequence; the others and MariaDB, which are slow, take part in some. */
const [usual, ...others] = await Promise.all(postgresKinds.filter((kind) => !without(kind)).map((kind) => PostgresDatabase.open(kind)));
const mariadb = withoutMariadb ? undefined : await MariadbDatabases.open();
after(() => Promise.all([usual, ...others, mariadb].map((database) => database?.close())));

/** The stores of a sequence, each made in an empty folder. The others are compared with the first. */
function storesOf(seed: number): readonly [Make, ...Make[]] {
  const inTurn = others.map((database) => () => onPostgres(database));
  if (mariadb !== undefined) inTurn.push(() => onMariadb(mariadb));
  const servers = [usual && (() => onPostgres(usual)), inTurn[seed % inTurn.length]].filter((make) => make !== undefined);
  return [() => memory(), (folder) => sqlite(join(folder, 'test.db')), ...servers];
}

async function onPostgres(database: PostgresDatabase): Promise<Store> {
  return inOneDialect(postgres(database.url, { partitions: 1, schema: await database.createSchema(), pooled: database.isPooled }));
}

async function onMariadb(databases: MariadbDatabases): Promise<Store> {
  return inOneDialect(mysql(databases.url(await databases.create()), { partitions: 1 }));
}

type Make = (folder: string) => Store | Promise<Store>;

/** Makes a store accept the same queries as SQLite. */
function inOneDialect(store: Store): Store {
  const query: Store['query'] = (...asked) => find(store, ...asked);
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = name === 'query' ? query : Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

const runs = 5;
const stepsMin = 100;
const stepsMax = 400;

for (let seed = 1; seed <= runs; seed += 1) {
  test(`every store gives the same answers to a random sequence of calls (seed ${seed})`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-'));
    const [first, ...further] = storesOf(seed);
    const made = await Promise.all(further.map((make) => make(folder)));
    const store = sideBySide(`seed ${seed}`, [await first(folder), ...made]);
    try {
      assert.deepEqual(await play(store, seed), [], `seed ${seed}: expected every kind to have succeeded, found these that had not`);
    } finally {
      await store.close();
      await rm(folder, { recursive: true });
    }
  });
}

/** Plays at least some steps, until every kind of call and write has succeeded; returns the kinds that never did. */
async function play(store: Store, seed: number): Promise<string[]> {
  const player = new Player(store, dice(seed));
  await player.start();
  const missing = () => kinds.filter((kind) => !player.seen.has(kind));
  for (let step = 1; step <= stepsMin || (step <= stepsMax && missing().length > 0); step += 1) await player.step();
  return missing();
}
