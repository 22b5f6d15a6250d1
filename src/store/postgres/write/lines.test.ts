import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { PostgresServer, withoutPostgres } from '../../../../test/postgres-server.ts';
import { ask, commitOf, declaration, delivery, remove } from '../../contract/fixtures.ts';
import type { Store } from '../../store.ts';
import { postgres } from '../postgres-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const rounds = 400;
/** Number of runs after which a statement's plan no longer depends on its parameters: five, and a few more. */
const runs = 8;
/** Maximum index entries that a delivery may visit from its request to its end, including those of earlier deliveries. */
const entriesMax = 20;

async function open(url: string): Promise<Store> {
  const store = postgres(url, { partitions: 1 });
  await store.open(declaration);
  return store;
}

/** Returns the ids of the due deliveries. */
async function due(store: Store): Promise<string[]> {
  return (await store.dueDeliveries(visits, 'mail', 10, 100)).map(({ id }) => id);
}

describe('lines of deliveries', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.stop());

  /** Returns how many index entries scans have read. The stores must be closed. */
  async function entriesOf(url: string): Promise<number> {
    const text = "SELECT sum(idx_tup_read)::int4 AS entries FROM pg_stat_user_indexes WHERE relname = 'millrace_deliveries'";
    const [row] = await server.counted(text, url);
    return Number(row?.entries);
  }

  for (const { line, ahead } of [
    { line: 'empty', ahead: 0 },
    { line: 'long', ahead: 3 },
  ]) {
    test(`begin where they last began, even while a session idle in a transaction retains all removed ones: a line that is ${line} again and again`, async () => {
      const url = await server.createDatabase();
      const store = await open(url);
      const lease = await store.claim(visits);
      const session = new pg.Client({ connectionString: url });
      await session.connect();
      await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM millrace_pipelines');
      for (let nth = 1; nth <= rounds; nth += 1) {
        await lease.commit(commitOf({ deliveries: ask(delivery(`${nth}`, 'a')) }));
        if (nth > ahead) await lease.commit(commitOf({ deliveries: remove('a', `${nth - ahead}`) }));
      }
      await store.close();
      await session.end();
      const entries = await entriesOf(url);
      assert.ok(entries < entriesMax * rounds, `expected some entries for each of ${rounds} deliveries, found ${entries}`);
    });
  }

  test('a delivery is found by its name, even if the database believes that a table without cleaned-up rows is empty', async () => {
    const url = await server.createDatabase();
    const fill = await open(url);
    const filling = await fill.claim(visits);
    const session = new pg.Client({ connectionString: url });
    await session.connect();
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM millrace_pipelines');
    const gone = Array.from({ length: 2_000 }, (_, nth) => `gone-${nth}`);
    await filling.commit(commitOf({ deliveries: ask(...gone.map((id) => delivery(id, id, { ordered: false }))) }));
    await filling.commit(commitOf({ deliveries: gone.flatMap((id) => remove(id, id)) }));
    await fill.close();
    await server.query('VACUUM ANALYZE millrace_deliveries', url);
    const before = await entriesOf(url);
    const store = await open(url);
    const lease = await store.claim(visits);
    for (let nth = 1; nth <= runs; nth += 1) {
      const ids = Array.from({ length: 20 }, (_, at) => `${nth}-${at}`);
      await lease.commit(commitOf({ deliveries: ask(...ids.map((id) => delivery(id, id, { ordered: false }))) }));
      await lease.commit(
        commitOf({ deliveries: ids.map((id) => ({ write: 'retry', endpoint: 'mail', key: id, id, attempts: 1, dueAt: 11, pauseMs: 0 })) }),
      );
      await lease.commit(commitOf({ deliveries: ids.flatMap((id) => remove(id, id)) }));
    }
    await store.close();
    await session.end();
    const entries = (await entriesOf(url)) - before;
    assert.ok(entries < entriesMax * 20 * runs, `expected some entries for each of ${20 * runs} deliveries, found ${entries}`);
  });

  test('deliveries that another lease added to a line before its known beginning are seen by the next one', async () => {
    const url = await server.createDatabase();
    const [one, other] = [await open(url), await open(url)];
    const first = await one.claim(visits);
    await first.commit(commitOf({ deliveries: ask(delivery('1', 'a', { ordered: false }), delivery('2', 'a')) }));
    await first.commit(commitOf({ deliveries: remove('a', '2') }));
    await first.release();
    const second = await other.claim(visits);
    await second.commit(commitOf({ deliveries: ask(delivery('1', 'a')) }));
    await second.release();
    const third = await one.claim(visits);
    await third.commit(commitOf({ deliveries: ask(delivery('3', 'a')) }));
    assert.deepEqual(await due(one), ['1']);
    await third.commit(commitOf({ deliveries: remove('a', '1') }));
    assert.deepEqual(await due(one), ['3']);
    await Promise.all([one.close(), other.close()]);
  });
});

describe('lines of deliveries after a failover', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start({ isDurable: true });
  });
  after(() => server.stop());

  test('are read from their first place on: the new server has deliveries that had gone, and reassigns places', async () => {
    const url = await server.createDatabase();
    const store = await open(url);
    const lease = await store.claim(visits);
    await lease.commit(commitOf({ deliveries: ask(delivery('1', 'a')) }));
    await server.leaveBehind();
    for (let nth = 1; nth <= 100; nth += 1) {
      await lease.commit(commitOf({ deliveries: remove('a', `${nth}`) }));
      await lease.commit(commitOf({ deliveries: ask(delivery(`${nth + 1}`, 'a')) }));
    }
    await server.failOver();
    await lease.commit(commitOf({ deliveries: ask(delivery('after', 'a')) }));
    assert.deepEqual(await due(store), ['1']);
    await lease.commit(commitOf({ deliveries: remove('a', '1') }));
    assert.deepEqual(await due(store), ['after']);
    await store.close();
  });
});
