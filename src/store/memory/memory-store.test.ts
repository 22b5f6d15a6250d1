import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { table } from '../../pipeline/table.ts';
import { commitOf, declaration, event, put, refusal } from '../contract/fixtures.ts';
import { storeContract } from '../contract.ts';
import type { NewInboxRow, Store } from '../store.ts';
import { MemoryInbox } from './memory-inbox.ts';
import { type MemoryOptions, memory, memoryWithInbox } from './memory-store.ts';

storeContract('memory', { create: () => database() });
storeContract('memory of four slices', { create: () => database({ partitions: 4 }) });

storeContract('memory with an inbox', { create: withInbox });

/** Other programs write SQL statements, which a SQLite database executes. */
async function withInbox() {
  const inbox = new MemoryInbox();
  const store = memoryWithInbox({ inbox });
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE millrace_inbox (pipeline TEXT, event TEXT, id TEXT, traceparent TEXT)');
  return {
    async open(...[declared]: Parameters<Store['open']>) {
      await store.open(declared);
      return store;
    },
    async write(sql: string) {
      db.exec(sql);
      const rows = db.prepare('SELECT pipeline, event, id, traceparent FROM millrace_inbox ORDER BY rowid').all();
      db.exec('DELETE FROM millrace_inbox');
      inbox.insert(rows as unknown as NewInboxRow[]);
    },
    async dispose() {
      await store.close();
      db.close();
    },
  };
}

async function database(options?: MemoryOptions) {
  const store = memory(options);
  return {
    async open(...[declared]: Parameters<Store['open']>) {
      await store.open(declared);
      return store;
    },
    dispose: () => store.close(),
  };
}

test('a memory store has one owner: it cannot be opened twice', async () => {
  const store = memory();
  await store.open(declaration);
  await refusal(store.open(declaration), 'MILL_STORE_OWNED');
  await store.close();
  await store.open(declaration);
});

test('a memory store that was never opened refuses calls', async () => {
  await refusal(memory().query('SELECT 1', []), 'MILL_STORE_UNAVAILABLE');
});

test('two memory stores share nothing', async () => {
  const [one, other] = [memory(), memory()];
  for (const store of [one, other]) await store.open(declaration);
  const partition = { pipeline: 'visits', slice: 0 };
  await one.append([event(partition, 'a')]);
  assert.equal((await other.claim(partition)).standing.head, 0);
});

test('the number of slices must be a positive integer', () => {
  for (const partitions of [0, -1, 1.5, Number.NaN]) {
    assert.throws(() => memory({ partitions }), { code: 'MILL_INVALID_CONFIGURATION', message: new RegExp(`found ${partitions}`) });
  }
});

test('an undeclared partition, table or position is refused before anything changes', async () => {
  const store = memory();
  await store.open(declaration);
  const visits = { pipeline: 'visits', slice: 0 };
  const nowhere = [
    { pipeline: 'nothing', slice: 0 },
    { pipeline: 'visits', slice: 1 },
  ];
  const lease = await store.claim(visits);
  for (const partition of nowhere) {
    await refusal(store.append([event(visits, 'a'), event(partition, 'a')]), 'MILL_INTERNAL');
    await refusal(lease.commit(commitOf({ cursor: 1, sends: [event(visits, 'a'), event(partition, 'a')] })), 'MILL_INTERNAL');
  }
  const holds = [{ key: 'a', order: 1, position: 1, attempts: 1, retryAt: null }];
  await refusal(lease.commit(commitOf({ cursor: 1, holds })), 'MILL_INTERNAL');
  const keys = [{ key: 'a', state: null, next: null, parked: true }];
  await refusal(lease.commit(commitOf({ keys, rows: [put('nothing', [1])] })), 'MILL_INVALID_EFFECT');
  assert.deepEqual((await store.claim(visits)).standing, {
    cursor: 0,
    head: 0,
    held: 0,
    deadLetters: 0,
    parked: 0,
    deliveries: 0,
    gaps: 0,
  });
  assert.equal((await store.load(visits, ['a']))[0]?.parked, false);
});

test('indexes are created and dropped with their declaration', async () => {
  const store = memory();
  const readings = (indexes: readonly (readonly ('value' | 'at')[])[]) => ({
    ...declaration,
    tables: [table('readings', { value: 'integer', at: 'integer' }, { indexes })],
  });
  const plan = async () => {
    const rows = await store.query('EXPLAIN QUERY PLAN SELECT * FROM readings WHERE value = 1', []);
    return rows.map(({ detail }) => detail).join();
  };
  await store.open(readings([['value', 'at']]));
  assert.match(await plan(), /USING COVERING INDEX|USING INDEX/);
  await store.close();
  await store.open(readings([['at']]));
  assert.match(await plan(), /^SCAN/);
});
