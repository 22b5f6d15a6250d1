import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { PostgresServer, withoutPostgres } from '../../../../test/postgres-server.ts';
import { Flight } from '../../sql/connection/flight.ts';
import { type PostgresOptions, settingsOf } from '../postgres-options.ts';
import { PostgresConnections } from './connections.ts';

const deadlineMs = 10_000;

describe('connections', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.stop());

  async function withConnections(
    options: PostgresOptions,
    work: (connections: PostgresConnections, url: string) => Promise<void>,
  ): Promise<void> {
    const url = await server.createDatabase();
    const connections = await PostgresConnections.open(settingsOf(url, options));
    try {
      await work(connections, url);
    } finally {
      await connections.close();
    }
  }

  /** Makes this many reads at once; returns the database's process for each. */
  async function burst(connections: PostgresConnections, reads: number): Promise<readonly unknown[]> {
    const pid = { text: 'SELECT pg_backend_pid(), pg_sleep(0.02)', values: [] };
    const answers = await Promise.all(Array.from({ length: reads }, () => connections.read(pid)));
    return answers.map(([found]) => found?.rows[0]?.[0]);
  }

  test('bursts of work reuse the same connections, even beyond those kept idle', async () => {
    await withConnections({ maxConnections: 8, maxIdleConnections: 2 }, async (connections) => {
      const processes = new Set<unknown>();
      for (let nth = 1; nth <= 5; nth += 1) for (const process of await burst(connections, 8)) processes.add(process);
      assert.equal(processes.size, 8);
    });
  });

  test('a flight leaves as one write, so the database never holds its locks while the rest is on its way', async (context) => {
    await withConnections({}, async (connections) => {
      const statement = { text: 'SELECT $1::text', values: ['a'] };
      await connections.read(statement);
      const socket = Socket.prototype as Required<Pick<Socket, '_write' | '_writev'>>;
      const writes = [context.mock.method(socket, '_write'), context.mock.method(socket, '_writev')];
      await connections.read(statement, statement, statement);
      assert.equal(
        writes.reduce((sum, { mock }) => sum + mock.callCount(), 0),
        1,
      );
    });
  });

  for (const maxIdleConnections of [2, 0]) {
    test(`${maxIdleConnections} of the unused connections stay`, async (context) => {
      await withConnections({ maxConnections: 8, maxIdleConnections }, async (connections, url) => {
        const open = async () => {
          const text =
            "SELECT count(*)::int4 AS open FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'millrace'";
          return (await server.query(text, url))[0]?.open;
        };
        await burst(connections, 8);
        await context.waitFor(async () => assert.equal(await open(), maxIdleConnections), { timeout: deadlineMs });
      });
    });
  }

  test('a beat never queues, however many callers wait for a connection', async () => {
    await withConnections({ maxConnections: 5, connectTimeoutMs: deadlineMs }, async (connections, url) => {
      const other = new pg.Client({ connectionString: url });
      await other.connect();
      await other.query('SELECT pg_advisory_lock(1)');
      let ended = 0;
      const reads = Array.from({ length: 20 }, async () => {
        await connections.read({ text: 'SELECT pg_advisory_lock_shared(1)', values: [] });
        ended += 1;
      });
      const flight = new Flight();
      flight.add({ text: 'SELECT 1', values: [] });
      await connections.beat(() => flight, deadlineMs);
      assert.equal(ended, 0);
      await other.end();
      await Promise.all(reads);
    });
  });
});
