import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, type TestContext } from 'node:test';
import pg from 'pg';
import { PostgresServer, withoutPostgres } from '../../../test/postgres-server.ts';
import { postgres } from '../../store/postgres/postgres-store.ts';
import { sqlite } from '../../store/sqlite/sqlite-store.ts';
import type { Store } from '../../store/store.ts';
import { recordingLogger } from '../logger.fixture.test.ts';
import { type Mill, millrace } from '../mill.ts';
import type { MillOptions } from '../mill-options.ts';

/** A transaction of another program. */
export interface Writer {
  run(sql: string): Promise<void>;
  insert(event: unknown, more?: { readonly pipeline?: string; readonly id?: string }): Promise<void>;
}

/** What a test works with: a database, engines on it, and other programs. */
export interface World {
  /** Of the database: the path of its file, or its URL. */
  readonly address: string;
  /** How many processes may work on it at once. */
  readonly processes: number;
  store(): Store;
  /** An engine that is stopped when the test ends. */
  start(
    options: Omit<MillOptions, 'store'> & { readonly store?: Store },
  ): Promise<{ readonly mill: Mill; readonly lines: ReturnType<typeof recordingLogger>['lines'] }>;
  /** A connection of its own, which is closed when the test ends. */
  writer(): Promise<Writer>;
}

const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const literal = (value: string | undefined) => (value === undefined ? 'NULL' : `'${value.replaceAll("'", "''")}'`);

function writerBy(run: (sql: string) => Promise<void>): Writer {
  return {
    run,
    insert: (event, { pipeline = 'steps', id } = {}) =>
      run(`INSERT INTO millrace_inbox (pipeline, event, id) VALUES (${literal(pipeline)}, ${literal(text(event))}, ${literal(id)})`),
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
      return writerBy(async (sql) => db.exec(sql));
    },
  );
  return { ...world, address, processes: 1 };
}

let server: PostgresServer | undefined;
after(() => server?.stop());

export async function onPostgres(context: TestContext): Promise<World> {
  assert.ok(server !== undefined);
  const url = await server.createDatabase();
  const world = worldOf(
    context,
    () => postgres(url, { partitions: 3 }),
    async () => {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect();
      context.after(() => client.end());
      return writerBy(async (sql) => void (await client.query(sql)));
    },
  );
  return { ...world, address: url, processes: 2 };
}

/** Declares tests on PostgreSQL. */
export function withPostgres(title: string, declare: () => void): void {
  describe(title, { skip: withoutPostgres }, () => {
    before(async () => {
      server ??= await PostgresServer.start();
    });
    declare();
  });
}

/** Declares tests on each store that has an inbox. */
export function onEveryInbox(title: string, declare: (worldOf: (context: TestContext) => World | Promise<World>) => void): void {
  describe(`${title}, on sqlite`, () => declare(onSqlite));
  withPostgres(`${title}, on postgres`, () => declare(onPostgres));
}
