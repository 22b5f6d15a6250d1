import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { PostgresServer, withoutPostgres } from '../../../../test/postgres-server.ts';
import { acceptedAt, commitOf, declaration, event } from '../../contract/fixtures.ts';
import { postgres } from '../postgres-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const stored = 3_000;
const looks = 10;

describe('the head of a log', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.stop());

  /** Opens a session whose snapshot lasts as long as it sits idle in its transaction. */
  async function idleSession(url: string): Promise<pg.Client> {
    const session = new pg.Client({ connectionString: url });
    await session.connect();
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM millrace_log_visits');
    return session;
  }

  /** Returns how many entries of the log's indexes scans have read so far. The stores must be closed. */
  async function entriesOf(url: string): Promise<number> {
    const text = "SELECT sum(idx_tup_read)::int4 AS entries FROM pg_stat_user_indexes WHERE relname = 'millrace_log_visits'";
    const [row] = await server.counted(text, url);
    return Number(row?.entries);
  }

  test('is found without reading pruned rows that are retained for a session idle in a transaction', async () => {
    const url = await server.createDatabase();
    const fill = postgres(url, { partitions: 1 });
    await fill.open(declaration);
    const lease = await fill.claim(visits);
    await fill.append(Array.from({ length: stored }, (_, nth) => event(visits, `key-${nth}`)));
    const session = await idleSession(url);
    await lease.commit(commitOf({ cursor: stored }));
    const retention = { partition: visits, acceptedBefore: acceptedAt + 1, idsBefore: 0, after: 0, limit: stored };
    assert.equal((await fill.prune(retention)).count, stored);
    await fill.close();
    const before = await entriesOf(url);
    const store = postgres(url, { partitions: 1 });
    await store.open(declaration);
    const { standing } = await store.claim(visits);
    assert.equal(standing.head, stored);
    for (let head = stored + 1; head <= stored + looks; head += 1) {
      await store.beat();
      assert.equal((await store.progress(visits)).head, head - 1);
      assert.deepEqual(await store.append([event(visits, 'more')]), [{ status: 'accepted', position: head }]);
      const owner = await store.claim(visits);
      await owner.commit(commitOf({ cursor: head }));
      await store.prune({ ...retention, after: head - 1 });
    }
    await store.close();
    await session.end();
    const entries = (await entriesOf(url)) - before;
    assert.ok(entries < stored, `expected some entries for each of ${looks} looks, found ${entries}`);
  });
});
