import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { MariadbServer, withoutMariadb } from '../../../test/mariadb-server.ts';
import { PostgresServer, withoutPostgres } from '../../../test/postgres-server.ts';
import { mysql } from '../../store/mysql/mysql-store.ts';
import { postgres } from '../../store/postgres/postgres-store.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import type { Store } from '../../store/store.ts';
import { recordingLogger } from '../logger.fixture.test.ts';
import { type Mill, millrace } from '../mill.ts';
import type { MillOptions } from '../mill-options.ts';

/** A transaction of another program. */
export interface Writer {
  /** Resolves to the rows of a query. */
  run(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  insert(event: unknown, more?: { readonly pipeline?: string; readonly id?: string }): Promise<void>;
}

/** The surroundings of a test: a database, engines on it, and other programs. */
export interface World {
  /** The path of the database file, or the database's URL. */
  readonly address: string;
  /** Maximum number of processes that may work on it at once. */
  readonly processes: number;
  store(): Store;
  /** An engine that is stopped when the test ends. */
  start(
    options: Omit<MillOptions, 'store'> & { readonly store?: Store },
  ): Promise<{ readonly mill: Mill; readonly lines: ReturnType<typeof recordingLogger>['lines'] }>;
  /** Opens a separate connection, which is closed when the test ends. */
  writer(): Promise<Writer>;
}

/** The same on a database server. */
export interface ServerWorld extends World {
  /** Returns whether a transaction waits for another's lock. */
  readonly isWaitedFor: () => Promise<boolean>;
}

const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const quoted = (value: string) => `'${value.replaceAll("'", "''")}'`;
/** In MySQL a backslash begins an escape. */
const quotedOnMysql = (value: string) => quoted(value.replaceAll('\\', '\\\\'));

function writerBy(run: Writer['run'], quote = quoted): Writer {
  const literal = (value: string | undefined) => (value === undefined ? 'NULL' : quote(value));
  return {
    run,
    async insert(event, { pipeline = 'steps', id } = {}) {
      await run(`INSERT INTO millrace_inbox (pipeline, event, id) VALUES (${literal(pipeline)}, ${literal(text(event))}, ${literal(id)})`);
    },
  };
}

function worldOf(context: TestContext, store: () => Store, writer: () => Promise<Writer>): Omit<World, 'address' | 'processes'> {
  return {
    store,
    writer,
    async start({ store: own = store(), ...options }) {
      const { log, lines } = recordingLogger();
      const mill = millrace({ log, ...options, store: own }) as Mill;
      await mill.start();
      context.after(() => mill.stop());
      return { mill, lines };
    },
  };
}

const folder = mkdtempSync(join(tmpdir(), 'millrace-inbox-'));
after(() => rmSync(folder, { recursive: true }));
let databases = 0;

function onSqlite(context: TestContext): World {
  databases += 1;
  const address = join(folder, `${databases}.db`);
  const world = worldOf(
    context,
    () => sqlite(address),
    async () => {
      const db = new DatabaseSync(address, { timeout: 5_000 });
      context.after(() => db.close());
      return writerBy(async (sql) => {
        db.exec(sql);
        return [];
      });
    },
  );
  return { ...world, address, processes: 1 };
}

let postgresServer: PostgresServer | undefined;
after(() => postgresServer?.stop());

export async function onPostgres(context: TestContext): Promise<ServerWorld> {
  assert.ok(postgresServer !== undefined);
  const url = await postgresServer.createDatabase();
  const world = worldOf(
    context,
    () => postgres(url, { partitions: 3 }),
    async () => {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect();
      context.after(() => client.end());
      return writerBy(async (sql) => (await client.query(sql)).rows);
    },
  );
  const lockWaits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  const watcher = await world.writer();
  const isWaitedFor = async () => (await watcher.run(lockWaits)).length > 0;
  return { ...world, address: url, processes: 2, isWaitedFor };
}

let mariadbServer: MariadbServer | undefined;
after(() => mariadbServer?.stop());

/** Runs SQL on the MariaDB of the tests, and returns the rows. */
export async function queryAsAdministrator(sql: string): Promise<readonly unknown[]> {
  assert.ok(mariadbServer !== undefined);
  return mariadbServer.query(sql);
}

export async function onMariadb(context: TestContext): Promise<ServerWorld> {
  assert.ok(mariadbServer !== undefined);
  const url = await mariadbServer.createDatabase();
  const world = worldOf(
    context,
    () => mysql(url, { partitions: 3 }),
    async () => {
      const connection = await createConnection(url);
      context.after(() => connection.end());
      return writerBy(async (sql) => {
        const [rows] = await connection.query(sql);
        return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
      }, quotedOnMysql);
    },
  );
  const lockWaits = "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
  const isWaitedFor = async () => {
    // Within a tenth of a second the server repeats its previous answer.
    await setTimeout(150);
    return (await queryAsAdministrator(lockWaits)).length > 0;
  };
  return { ...world, address: url, processes: 2, isWaitedFor };
}

/** Declares tests on PostgreSQL. */
export function withPostgres(title: string, declare: () => void): void {
  describe(title, { skip: withoutPostgres }, () => {
    before(async () => {
      postgresServer ??= await PostgresServer.start();
    });
    declare();
  });
}

/** Declares tests on MariaDB. */
export function withMariadb(title: string, declare: () => void): void {
  describe(title, { skip: withoutMariadb }, () => {
    before(async () => {
      mariadbServer ??= await MariadbServer.start();
    });
    declare();
  });
}

/** Declares tests on each database server. */
export function onEachServer(title: string, declare: (worldOf: (context: TestContext) => Promise<ServerWorld>) => void): void {
  withPostgres(`${title}, on postgres`, () => declare(onPostgres));
  withMariadb(`${title}, on mariadb`, () => declare(onMariadb));
}

/** Declares tests on each store that has an inbox. */
export function onEveryInbox(title: string, declare: (worldOf: (context: TestContext) => World | Promise<World>) => void): void {
  describe(`${title}, on sqlite`, () => declare(onSqlite));
  onEachServer(title, declare);
}
