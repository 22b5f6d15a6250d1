import { Client } from 'pg';
import type { Cleanup } from '../servers/cleanup.ts';
import { PostgresServer } from '../servers/postgres.ts';
import type { GrowthDatabase, SessionLevel } from './database.ts';
import type { StatementCount, Statements } from './statement-counts.ts';
import type { TableSize } from './table-sizes.ts';

const transactions: Readonly<Record<Exclude<SessionLevel, 'none'>, string>> = {
  'read-committed': 'BEGIN ISOLATION LEVEL READ COMMITTED; SELECT count(*) FROM millrace_pipelines',
  'repeatable-read': 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM millrace_pipelines',
};

const sizesText = `SELECT relname AS "table", pg_table_size(relid)::float8 AS bytes, pg_indexes_size(relid)::float8 AS "indexBytes",
    n_live_tup::float8 AS live, n_dead_tup::float8 AS dead, autovacuum_count::float8 AS vacuums
  FROM pg_stat_user_tables ORDER BY relname`;

/** A database of PostgreSQL, whose server counts statements by `pg_stat_statements`. */
export async function startPostgres(folder: string, cleanup: Cleanup): Promise<GrowthDatabase> {
  const server = await PostgresServer.start(folder, cleanup, ['shared_preload_libraries=pg_stat_statements']);
  const url = await server.newDatabase();
  const client = await connect(url, cleanup);
  // In another database, so that its own statements do not count.
  const elsewhere = new URL(url);
  const name = elsewhere.pathname.slice(1);
  elsewhere.pathname = '/postgres';
  const counter = await connect(elsewhere.href, cleanup);
  await counter.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  return {
    kind: 'postgres',
    url,
    query: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows,
    async sitIdle(level) {
      const session = await connect(url, cleanup);
      if (level !== 'none') await session.query(transactions[level]);
      return () => session.end();
    },
    statements: () => statementsOf(counter, name),
    sizes: async () => (await client.query<TableSize>(sizesText)).rows,
    async tidy() {
      await client.query('VACUUM');
    },
    async countOfStates() {
      const { rows } = await client.query<{ count: number }>(
        "SELECT sum((state::json ->> 'count')::int8)::float8 AS count FROM millrace_keys",
      );
      return rows[0]?.count ?? 0;
    },
  };
}

async function statementsOf(counter: Client, database: string): Promise<Statements> {
  const { rows } = await counter.query<StatementCount>(
    `SELECT query AS text, sum(calls)::float8 AS calls, sum(total_exec_time)::float8 AS ms
     FROM pg_stat_statements JOIN pg_database ON oid = dbid WHERE datname = $1 GROUP BY query`,
    [database],
  );
  const { rows: found } = await counter.query<{ count: number }>(
    'SELECT (xact_commit + xact_rollback)::float8 AS count FROM pg_stat_database WHERE datname = $1',
    [database],
  );
  return { statements: rows, transactions: found[0]?.count ?? Number.NaN };
}

async function connect(url: string, cleanup: Cleanup): Promise<Client> {
  const client = new Client({ connectionString: url });
  // The server ends before it.
  client.on('error', () => undefined);
  await client.connect();
  cleanup.add(() => client.end());
  return client;
}
