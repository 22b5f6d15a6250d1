import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { PostgresServer, withoutPostgres } from '../../../../test/postgres-server.ts';
import { declaration } from '../../contract/fixtures.ts';
import { postgres } from '../postgres-store.ts';

/** Number of taken rows, which are retained for a session idle in a transaction. */
const taken = 5_000;
const inserts = 20;
/** Maximum entries of the inbox's index that an insert may visit. */
const entriesMax = 300;

describe('the inbox trigger', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.stop());

  async function emptyDatabase(): Promise<string> {
    const url = await server.createDatabase();
    const store = postgres(url, { partitions: 1 });
    await store.open(declaration);
    await store.close();
    return url;
  }

  /** Returns how many entries scans have read. */
  async function entriesOf(url: string): Promise<number> {
    const [row] = await server.counted(
      `SELECT idx_tup_read::int4 + seq_tup_read::int4 AS entries
       FROM pg_stat_user_indexes AS index JOIN pg_stat_user_tables AS rows USING (relid) WHERE index.relname = 'millrace_inbox'`,
      url,
    );
    return Number(row?.entries);
  }

  test('reads few rows, even while a session idle in a transaction retains all taken rows', async () => {
    const url = await emptyDatabase();
    const session = new pg.Client({ connectionString: url });
    await session.connect();
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM millrace_pipelines');
    await server.query(
      `INSERT INTO millrace_inbox (pipeline, event) SELECT 'visits', nth::text FROM generate_series(1, ${taken}) AS nth`,
      url,
    );
    await server.query('DELETE FROM millrace_inbox', url);
    const before = await entriesOf(url);
    const program = new pg.Client({ connectionString: url });
    await program.connect();
    for (let nth = 0; nth < inserts; nth += 1) await program.query("INSERT INTO millrace_inbox (pipeline, event) VALUES ('visits', '1')");
    await program.end();
    await session.end();
    const entries = (await entriesOf(url)) - before;
    assert.ok(entries < entriesMax * inserts, `expected a few entries for each of ${inserts} rows, found ${entries}`);
  });
});
