import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PostgresServer, withoutPostgres } from '../../../../test/postgres-server.ts';
import { commitOf, declaration, timer } from '../../contract/fixtures.ts';
import { postgres } from '../postgres-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const stored = 3_000;
const asked = 50;
/** Number of runs after which a statement's plan no longer depends on its parameters: five, and a few more. */
const runs = 8;

describe('reads of a partition', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    // Without autovacuum, so the tables are never analysed.
    server = await PostgresServer.start();
  });
  after(() => server.stop());

  /** Returns how many rows scans have read from a table so far. The store must be closed. */
  async function readOf(table: string, url: string): Promise<number> {
    const text = `SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::int8 AS read FROM pg_stat_user_tables WHERE relname = '${table}'`;
    const [row] = await server.counted(text, url);
    return Number(row?.read);
  }

  test('look keys up one by one instead of reading a whole slice, even in tables that were never analysed', async () => {
    const url = await server.createDatabase();
    const keys = Array.from({ length: stored }, (_, nth) => `key-${nth}`);
    const store = postgres(url, { partitions: 1 });
    await store.open(declaration);
    const lease = await store.claim(visits);
    // A plan made while there is little data is kept.
    for (let run = 0; run < runs; run += 1) await store.load(visits, keys.slice(0, asked));
    const state = { json: '{}', version: 1 };
    await lease.commit(
      commitOf({
        cursor: 1,
        keys: keys.map((key) => ({ key, state, next: null, parked: false })),
        timers: keys.map((key, nth) => timer(key, 'wake', nth)),
      }),
    );
    for (let run = 0; run < runs; run += 1) await store.load(visits, keys.slice(0, asked));
    await store.close();
    for (const table of ['millrace_keys', 'millrace_causes']) {
      const read = await readOf(table, url);
      assert.ok(read < stored, `expected about ${runs * asked} rows of ${table} to be read, found ${read}`);
    }
  });
});
