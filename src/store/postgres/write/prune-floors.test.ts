import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { PostgresServer, withoutPostgres } from '../../../../test/postgres-server.ts';
import { acceptedAt, chosen, commitOf, declaration } from '../../contract/fixtures.ts';
import { PruneFloors } from '../../sql/write/prune-floors.ts';
import { postgres } from '../postgres-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const rounds = 12;
const each = 250;
const hourMs = 3_600_000;

describe('sweeps', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.stop());

  /** Returns how many entries of a table's indexes scans have read. The stores must be closed. */
  async function entriesOf(table: string, url: string): Promise<number> {
    const text = `SELECT sum(idx_tup_read)::int4 AS entries FROM pg_stat_user_indexes WHERE relname = '${table}'`;
    const [row] = await server.counted(text, url);
    return Number(row?.entries);
  }

  test('begin where the last one ended, even while a session idle in a transaction retains all deleted rows', async () => {
    const url = await server.createDatabase();
    const store = postgres(url, { partitions: 1 });
    await store.open(declaration);
    const lease = await store.claim(visits);
    const session = new pg.Client({ connectionString: url });
    await session.connect();
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM millrace_pipelines');
    for (let round = 0; round < rounds; round += 1) {
      const events = Array.from({ length: each }, (_, nth) =>
        chosen(visits, 'a', `${round}-${nth}`, { acceptedAt: acceptedAt + round * hourMs }),
      );
      await store.append(events);
      for (let nth = 1; nth <= each; nth += 1) await lease.commit(commitOf({ cursor: round * each + nth }));
      const old = acceptedAt + round * hourMs + 1;
      const retention = { partition: visits, acceptedBefore: old, idsBefore: old, after: 0, limit: 10 * each };
      assert.equal((await store.prune(retention)).count, 2 * each);
    }
    await store.close();
    await session.end();
    for (const table of ['millrace_log_visits', 'millrace_cursors']) {
      const entries = await entriesOf(table, url);
      assert.ok(
        entries < 4 * rounds * each,
        `expected each of the ${rounds * each} rows of ${table} to be looked at a few times, found ${entries}`,
      );
    }
  });
});

describe('ids are searched', () => {
  const floor = { position: 0, cursor: 0, idsFrom: 10 * hourMs, allIdsUpTo: 10 * hourMs };

  test('from a minute before the moment the last sweep reached, since clocks differ', () => {
    const floors = new PruneFloors();
    floors.set(visits, floor);
    assert.equal(floors.idsFrom(visits, 10 * hourMs + 5), 10 * hourMs - 60_000);
  });

  test('from the first one in the first sweep, once an hour, and after the clock was set back', () => {
    const floors = new PruneFloors();
    const all = floors.idsFrom(visits, 10 * hourMs);
    assert.ok(all < -(10 ** 15));
    floors.set(visits, floor);
    assert.equal(floors.idsFrom(visits, 11 * hourMs), all);
    assert.equal(floors.idsFrom(visits, 9 * hourMs), all);
  });
});
