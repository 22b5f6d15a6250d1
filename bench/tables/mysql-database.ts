import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { MariadbServer } from '../../test/mariadb-server.ts';
import type { Cleanup } from '../servers/cleanup.ts';
import type { GrowthDatabase, SessionLevel } from './database.ts';
import type { StatementCount, Statements } from './statement-counts.ts';
import type { TableSize } from './table-sizes.ts';

const transactions: Readonly<Record<Exclude<SessionLevel, 'none'>, readonly string[]>> = {
  'read-committed': [
    'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
    'START TRANSACTION',
    'SELECT COUNT(*) FROM millrace_pipelines',
  ],
  'repeatable-read': ['START TRANSACTION WITH CONSISTENT SNAPSHOT', 'SELECT COUNT(*) FROM millrace_pipelines'],
};

/** The server counts statements, which MariaDB does only on request, and MySQL by default; it has the default amount of memory. */
const words = ['--performance-schema=ON', '--innodb-buffer-pool-size=128M'];

/** Obsolete row versions not removed yet; few enough not to matter. */
const fewVersions = 1_000;
const purgeTimeoutMs = 120_000;

/** A database of MariaDB. */
export async function startMysql(folder: string, cleanup: Cleanup): Promise<GrowthDatabase> {
  const server = await MariadbServer.start({ isDurable: true, words, parent: folder });
  cleanup.add(() => server.stop());
  const url = await server.createDatabase();
  const name = new URL(url).pathname.slice(1);
  const connect = () => connectTo(server.port, name, cleanup);
  const client = await connect();
  const query = async (sql: string) => (await client.query(sql))[0] as Record<string, unknown>[];
  return {
    kind: 'mysql',
    url,
    query,
    async sitIdle(level) {
      const session = await connect();
      if (level !== 'none') for (const statement of transactions[level]) await session.query(statement);
      return () => session.end();
    },
    statements: () => statementsOf(query),
    sizes: () => sizesOf(query, name),
    async tidy() {
      for (const until = performance.now() + purgeTimeoutMs; performance.now() < until && (await versionsOf(query)) > fewVersions; )
        await sleep(500);
    },
    async countOfStates() {
      const [found] = await query("SELECT SUM(JSON_VALUE(state, '$.count')) AS count FROM millrace_keys");
      return Number(found?.count ?? 0);
    },
  };
}

type Query = (sql: string) => Promise<Record<string, unknown>[]>;

/**
 * By kinds of statements: a digest has the text of the first statement of its packet. This program's own statements belong to an
 * administrator, not to the store's user.
 */
async function statementsOf(query: Query): Promise<Statements> {
  const rows = await query(`SELECT event_name AS name, count_star AS calls, sum_timer_wait / 1e9 AS ms
    FROM performance_schema.events_statements_summary_by_user_by_event_name
    WHERE user = 'millrace' AND event_name LIKE 'statement/sql/%' AND count_star > 0`);
  const statements = rows.map(
    ({ name, calls, ms }): StatementCount => ({ text: wordsOf(String(name)), calls: Number(calls), ms: Number(ms) }),
  );
  const transactions = statements.filter(({ text }) => text === 'COMMIT' || text === 'ROLLBACK').reduce((sum, { calls }) => sum + calls, 0);
  return { statements, transactions };
}

/** `statement/sql/set_option` in SQL's words. */
function wordsOf(name: string): string {
  return name.slice('statement/sql/'.length).replace('set_option', 'set').replaceAll('_', ' ').toUpperCase();
}

/** Sizes come from the statistics, which are refreshed. Versions waiting for removal are in no table, and so have their own row. */
async function sizesOf(query: Query, database: string): Promise<readonly TableSize[]> {
  const names = await query(`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = '${database}'`);
  await query(`ANALYZE TABLE ${names.map(({ name }) => `\`${name}\``).join(', ')}`);
  const rows = await query(`SELECT table_name AS name, data_length AS bytes, index_length AS index_bytes, table_rows AS live
    FROM information_schema.tables WHERE table_schema = '${database}' ORDER BY table_name`);
  const tables = rows.map(
    (row): TableSize => ({
      table: String(row.name),
      bytes: Number(row.bytes),
      indexBytes: Number(row.index_bytes),
      live: Number(row.live),
      dead: Number.NaN,
      vacuums: Number.NaN,
    }),
  );
  const [space] = await query("SELECT file_size AS bytes FROM information_schema.innodb_sys_tablespaces WHERE name = 'innodb_system'");
  const versions = { live: Number.NaN, dead: await versionsOf(query), vacuums: Number.NaN };
  return [...tables, { table: 'old versions', bytes: Number(space?.bytes ?? Number.NaN), indexBytes: 0, ...versions }];
}

/** Transactions whose old row versions are not removed yet. */
async function versionsOf(query: Query): Promise<number> {
  const [found] = await query("SELECT count FROM information_schema.innodb_metrics WHERE name = 'trx_rseg_history_len'");
  return Number(found?.count ?? Number.NaN);
}

async function connectTo(port: number, database: string, cleanup: Cleanup): Promise<Connection> {
  const client = await createConnection({ host: '127.0.0.1', port, user: 'root', database });
  // The server ends before it.
  client.on('error', () => undefined);
  cleanup.add(() => client.destroy());
  return client;
}
