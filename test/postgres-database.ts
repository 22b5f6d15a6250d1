import pg from 'pg';
import { PgBouncer, withoutPgBouncer } from './pg-bouncer.ts';
import { PgliteServer } from './pglite-server.ts';
import { PostgresServer, withoutPostgres } from './postgres-server.ts';

/** The databases for a PostgreSQL store: a release of the server, the older one behind a pooler in transaction mode, or PGlite. */
export const postgresKinds = ['PostgreSQL 15', 'PostgreSQL 18', 'PgBouncer', 'PGlite'] as const;
export type PostgresKind = (typeof postgresKinds)[number];

/** The reason to skip tests on a kind; false where it is available, or required (`TEST_SERVERS=required`). */
export function without(kind: PostgresKind): string | false {
  if (kind === 'PGlite') return false;
  return withoutPostgres || (kind === 'PgBouncer' && withoutPgBouncer);
}

/** The servers that a run of many test files has started for all of them. */
interface Shared {
  /** An address at which databases can be made. */
  readonly admin: string;
  /** The same database through the pooler, if the kind has one. */
  readonly url: string;
}

/** The options of a statement. */
interface Asked {
  readonly values?: readonly unknown[];
  /** The schema of its tables. */
  readonly schema?: string;
}

const variable = 'TEST_POSTGRES_SERVERS';

/** A test file's own database, for stores whose tests evict and kill nobody: each in a schema. The caller that opens it closes it. */
export class PostgresDatabase {
  /** The address for stores. */
  readonly url: string;
  /** True if stores must do without their own session. */
  readonly isPooled: boolean;
  readonly #admin: string;
  readonly #close: () => Promise<void>;
  #schemas = 0;

  private constructor(kind: PostgresKind, { url, admin }: Shared, close: () => Promise<void>) {
    this.url = url;
    this.isPooled = kind === 'PgBouncer' || kind === 'PGlite';
    this.#admin = admin;
    this.#close = close;
  }

  /** Uses a server shared by test files, if there is one; otherwise starts one. */
  static async open(kind: PostgresKind): Promise<PostgresDatabase> {
    const shared = sharedServers()[kind];
    if (shared === undefined) {
      const { found, stop } = await startServer(kind);
      return new PostgresDatabase(kind, found, stop);
    }
    const name = `file_${process.pid}_${kind.replaceAll(' ', '_').toLowerCase()}`;
    await query(`CREATE DATABASE ${name}`, shared.admin);
    const [url, admin] = [databaseAt(shared.url, name), databaseAt(shared.admin, name)];
    return new PostgresDatabase(kind, { url, admin }, async () => {
      await query(`DROP DATABASE ${name} WITH (FORCE)`, shared.admin);
    });
  }

  /** Runs SQL without special rights, and returns the rows. */
  query(sql: string, asked: Asked = {}): Promise<Record<string, unknown>[]> {
    return query(sql, this.#admin, asked);
  }

  /** Makes an empty schema; returns its name. */
  async createSchema(): Promise<string> {
    this.#schemas += 1;
    const name = `test_${this.#schemas}`;
    await this.query(`CREATE SCHEMA ${name}`);
    return name;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** Starts servers shared by all test files of a run, and announces them to child processes. Resolves to a function that stops them. */
export async function shareServers(): Promise<() => Promise<void>> {
  const kinds = postgresKinds.filter((kind) => kind !== 'PGlite' && !without(kind));
  const started = await Promise.all(kinds.map(async (kind) => ({ kind, ...(await startServer(kind)) })));
  process.env[variable] = JSON.stringify(Object.fromEntries(started.map(({ kind, found }) => [kind, found])));
  return async () => {
    await Promise.all(started.map(({ stop }) => stop()));
  };
}

function sharedServers(): { readonly [Kind in PostgresKind]?: Shared } {
  return JSON.parse(process.env[variable] ?? '{}');
}

async function startServer(kind: PostgresKind): Promise<{ readonly found: Shared; stop(): Promise<void> }> {
  if (kind === 'PGlite') {
    const { url, stop } = await PgliteServer.start();
    return { found: { url, admin: url }, stop };
  }
  const server = await PostgresServer.start({ release: kind === 'PostgreSQL 18' ? 18 : 15 });
  const admin = server.url('postgres');
  if (kind !== 'PgBouncer') return { found: { url: admin, admin }, stop: () => server.stop() };
  const bouncer = await PgBouncer.start(server);
  const stop = async () => {
    await bouncer.stop();
    await server.stop();
  };
  return { found: { url: bouncer.url('postgres'), admin }, stop };
}

function databaseAt(url: string, name: string): string {
  return url.replace(/[^/]*$/, name);
}

async function query(sql: string, connectionString: string, { values = [], schema }: Asked = {}): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    if (schema !== undefined) await client.query(`SET search_path TO ${schema}`);
    return (await client.query(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}
