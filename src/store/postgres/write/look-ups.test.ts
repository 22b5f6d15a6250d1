import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PostgresServer, withoutPostgres } from '../../../../test/postgres-server.ts';
import { ask, chosen, commitOf, declaration, delivery, disarm, numbered, put, remove, timer, update } from '../../contract/fixtures.ts';
import type { Commit, Store } from '../../store.ts';
import { postgres } from '../postgres-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const rockets = { pipeline: 'rockets', slice: 0 };
/** Number of rows in each table. */
const stored = 3_000;
/** Number of runs after which a statement's plan no longer depends on its parameters: five, and a few more. */
const runs = 8;
/** Maximum number of times that a row may be read while rows are stored, including unrelated rows. */
const readsMax = 2;

const nameOf = (nth: number) => `key-${nth}`;
const names = Array.from({ length: stored }, (_, nth) => nameOf(nth));

/** A commit that removes everything about a key except its id, its event and its row. */
function withoutKey(key: string): Partial<Commit> {
  return {
    releases: [{ key, from: 0, to: stored }],
    keys: [{ key, state: null, next: null, parked: false }],
    gaps: [{ key, gap: null }],
    timers: [disarm(key, 'wake')],
    deliveries: [{ write: 'retry', endpoint: 'mail', key, id: key, attempts: 1, dueAt: 11, pauseMs: 0 }, ...remove(key, key)],
    rows: [update('seats', ['group', 'number', 'state'], [key, 1, 'taken'])],
  };
}

describe('the rows for a write', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    // Without autovacuum, so the tables are never analysed.
    server = await PostgresServer.start();
  });
  after(() => server.stop());

  /** Returns how many rows scans have read from each table so far. The store must be closed. */
  async function readsOf(url: string): Promise<ReadonlyMap<string, number>> {
    const rows = await server.counted(
      'SELECT relname, (seq_tup_read + coalesce(idx_tup_fetch, 0))::int4 AS read FROM pg_stat_user_tables',
      url,
    );
    return new Map(rows.map(({ relname, read }) => [String(relname), Number(read)]));
  }

  async function withStore(url: string, work: (store: Store) => Promise<void>): Promise<void> {
    const store = postgres(url, { partitions: 1 });
    await store.open(declaration);
    await work(store);
    await store.close();
  }

  test('are looked up one by one, even by a plan made while the tables were empty', async () => {
    const url = await server.createDatabase();
    await withStore(url, async (store) => {
      const owner = await store.claim(visits);
      await store.claim(rockets);
      let cursor = 0;
      const run = async (from: number) => {
        for (let nth = from; nth < from + runs; nth += 1) {
          const key = nameOf(nth);
          await store.append([chosen(visits, key, key), numbered(rockets, key, 1)]);
          cursor += 1;
          await owner.commit(commitOf({ cursor, ...withoutKey(key) }));
        }
      };
      await run(stored);
      await store.append(names.flatMap((key) => [chosen(visits, key, key), numbered(rockets, key, 1)]));
      await owner.commit(
        commitOf({
          cursor,
          holds: names.map((key, nth) => ({ key, order: nth, position: nth + 1, attempts: 0, retryAt: null })),
          keys: names.map((key) => ({ key, state: { json: '{}', version: 1 }, next: null, parked: false })),
          gaps: names.map((key) => ({ key, gap: { next: 1, first: 2, since: 3 } })),
          timers: names.map((key) => timer(key, 'wake', 5)),
          deliveries: ask(...names.map((key) => delivery(key, key))),
          rows: [put('seats', ...names.map((key) => [key, 1, 'free']))],
        }),
      );
      await run(0);
      // Old data is found by its moment or its position.
      const retention = { partition: visits, acceptedBefore: 1, idsBefore: 1, after: 0, limit: 10 };
      for (let nth = 0; nth < runs; nth += 1) await store.prune(retention);
    });
    const reads = await readsOf(url);
    const engineTables = ['held', 'keys', 'gaps', 'causes', 'deliveries', 'log_visits', 'ids_visits'].map((name) => `millrace_${name}`);
    for (const table of [...engineTables, 'seats']) {
      const read = reads.get(table) ?? Number.POSITIVE_INFINITY;
      assert.ok(read < readsMax * stored, `expected about ${runs} rows of ${table} to be read beside those that are stored, found ${read}`);
    }
  });

  test('of timers are looked up by name, even if the index of their moments is shallower, or there is none', async () => {
    const url = await server.createDatabase();
    const count = 6_000;
    // Long enough to give the index of names one more level.
    const keys = Array.from({ length: count }, (_, nth) => `${nameOf(nth)} ${'x'.repeat(400)}`);
    await withStore(url, async (store) => {
      const owner = await store.claim(visits);
      await owner.commit(commitOf({ timers: keys.map((key) => timer(key, 'wake', 5)) }));
    });
    await withStore(url, async (store) => {
      const owner = await store.claim(visits);
      for (const key of keys.slice(0, 2 * runs))
        await owner.commit(commitOf({ timers: [disarm(key, 'wake'), disarm(key, 'another'), disarm('nobody', 'wake')] }));
      assert.equal((await store.dueCauses(visits, 5, count)).length, count - 2 * runs);
    });
    const read = ((await readsOf(url)).get('millrace_causes') ?? Number.POSITIVE_INFINITY) - count;
    assert.ok(read < count, `expected a few of the timers to be read for each, found ${read}`);
  });
});
