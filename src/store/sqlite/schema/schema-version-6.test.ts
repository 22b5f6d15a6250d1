import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { lettersOf } from '../../letters-of.ts';
import type { Store, StoreDeclaration } from '../../store.ts';
import { sqlite } from '../sqlite-store.ts';

const written = join(import.meta.dirname, 'version-6.sql');
const orders = { pipeline: 'orders', slice: 0 };
/** The database has work of two pipelines; `carts` is no longer declared. */
const declaration: StoreDeclaration = { pipelines: [{ name: 'orders', numbered: false }], tables: [] };
const allOf = { uncounted: [], named: [] };
const whenTold = 1_796_062_519_272;

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-version-6-'));
});

after(() => rm(folder, { recursive: true }));

/** Makes a database of version 6, and changes it with SQL. */
async function databaseOf(name: string, change = ''): Promise<string> {
  const path = join(folder, name);
  const db = new DatabaseSync(path);
  db.exec(`${await readFile(written, 'utf8')}${change}`);
  db.close();
  return path;
}

async function whileOpen(path: string, work: (store: Store) => Promise<void>, declared = declaration): Promise<void> {
  const store = sqlite(path);
  await store.open(declared);
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

/** Tables of version 5 had no flows and no gaps. */
const toVersion5 = ['orders', 'carts']
  .map(
    (pipeline) => `DROP INDEX millrace_idx_deliveries_flow_${pipeline}; DROP TABLE millrace_gaps_${pipeline};
      ALTER TABLE millrace_deliveries_${pipeline} DROP COLUMN flow;`,
  )
  .concat("UPDATE millrace_meta SET value = 5 WHERE name = 'schema_version';")
  .join('');

for (const [version, change] of [
  [6, ''],
  [5, toVersion5],
] as const) {
  test(`a database of version ${version} is brought up to date once: its outcomes are stored beside its timers, with all of their data`, async () => {
    const path = await databaseOf(`version-${version}.db`, change);
    for (const _time of [1, 2]) {
      await whileOpen(path, async (store) => {
        const causes = await store.dueCauses(orders, Number.MAX_SAFE_INTEGER, 10);
        const facts = { kind: 'outcome', key: 'stuck', endpoint: 'shop', attempts: 0, retryAt: null } as const;
        const wake = { kind: 'timer', name: 'wake', dueAt: 4_000_000_000_000, data: '{"é":1}', attempts: 0, retryAt: null } as const;
        const told = (id: string, at: number) => `{"id":"${id}","at":${at},"status":"delivered","attempts":1,"answer":{"ok":true}}`;
        assert.deepEqual(causes, [
          { ...facts, id: 'o/1', dueAt: whenTold, data: told('o/1', whenTold) },
          { ...facts, id: 'plain', dueAt: whenTold + 1, data: told('plain', whenTold + 1) },
          { ...wake, key: 'broken' },
          { ...wake, key: 'stuck' },
        ]);
        const [record] = await store.load(orders, ['stuck']);
        assert.deepEqual([record?.outcomes, record?.timers], [causes.slice(0, 2), causes.slice(3)]);
      });
    }
  });

  test(`a dead letter of an outcome in a database of version ${version} stays one, and can be resolved`, async () => {
    const path = await databaseOf(`letters-of-${version}.db`, change);
    await whileOpen(path, async (store) => {
      const letters = await store.deadLetters({ limit: 10 });
      assert.deepEqual(
        letters.map(({ kind, key, partition, attempts }) => [kind, key, partition.pipeline, attempts]),
        [
          ['outcome', 'broken', 'orders', 1],
          ['outcome', 'broken', 'carts', 1],
        ],
      );
      const [letter] = lettersOf('outcome', letters);
      assert.ok(letter !== undefined);
      const { data, ...outcome } = letter.outcome;
      assert.deepEqual(outcome, { endpoint: 'shop', id: 'ü “2”', dueAt: whenTold + 1 });
      assert.equal(JSON.parse(data).status, 'delivered');
      const lease = await store.claim(orders);
      assert.equal(lease.standing.deadLetters, 1);
    });
  });
}

test('work of version 6 in a pipeline that is no longer declared is migrated, counted, and can be deleted', async () => {
  const path = await databaseOf('gone.db');
  await whileOpen(path, async (store) => {
    const [carts] = await store.inventory(allOf);
    assert.deepEqual(carts?.timers, [{ name: 'wake', count: 2 }]);
    assert.deepEqual(carts?.outcomes, [{ name: 'shop', count: 2 }]);
    await store.forget('carts');
    assert.deepEqual(
      (await store.inventory(allOf)).map(({ pipeline }) => pipeline),
      ['orders'],
    );
  });
});

test('timers of version 6 whose names only look like those of outcomes stay timers', async () => {
  const names = ['outcome', 'Outcome/shop/1', 'outcomes/shop/1'];
  const inserts = names.map((name) => `INSERT INTO millrace_timers_orders VALUES ('other', '${name}', 5, NULL, 2, 9);`);
  const path = await databaseOf('names.db', inserts.join(''));
  await whileOpen(path, async (store) => {
    const [record] = await store.load(orders, ['other']);
    assert.deepEqual(record?.outcomes, []);
    assert.deepEqual(
      record?.timers.map(({ name, attempts, retryAt }) => [name, attempts, retryAt]),
      names.toSorted().map((name) => [name, 2, 9]),
    );
  });
});
