import { MariadbServer } from '../../test/mariadb-server.ts';
import { PostgresServer } from '../../test/postgres-server.ts';

/** The kinds of database a fleet can work on. */
export const databaseKinds = ['postgres', 'mysql'] as const;
export type DatabaseKind = (typeof databaseKinds)[number];

/** Runs SQL that all kinds understand; names reserved in one of them are in double quotes. */
export type Query = (sql: string) => Promise<Record<string, unknown>[]>;

/** The database of a fleet, on its own server that can be harmed. */
export interface FleetDatabase {
  readonly kind: DatabaseKind;
  /** The server's port. */
  readonly port: number;
  /** The address of the database without a link. */
  readonly url: string;
  readonly query: Query;
  /** Ends about half of the processes' connections. */
  endConnections(): Promise<void>;
  /** Ends the server like a crash. */
  kill(): Promise<void>;
  /** Ends the server like an operator. */
  shutDown(): Promise<void>;
  /** Starts the server again. Resolves when it answers. */
  run(): Promise<void>;
  /** Ends the server, and removes its files. */
  stop(): Promise<void>;
}

/** Starts a server with durable commits and an empty database. Whoever starts it stops it. */
export function startDatabase(kind: DatabaseKind): Promise<FleetDatabase> {
  return kind === 'postgres' ? startPostgres() : startMariadb();
}

async function startPostgres(): Promise<FleetDatabase> {
  const server = await PostgresServer.start({ isDurable: true });
  const url = await server.createDatabase();
  const query: Query = (sql) => server.query(sql, url);
  return {
    ...ends(server),
    kind: 'postgres',
    url,
    query,
    async endConnections() {
      await server.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'millrace' AND random() < 0.5 AND pid <> pg_backend_pid()",
      );
    },
  };
}

async function startMariadb(): Promise<FleetDatabase> {
  const server = await MariadbServer.start({ isDurable: true });
  const url = await server.createDatabase();
  const name = new URL(url).pathname.slice(1);
  const query: Query = async (sql) => (await server.query(sql.replaceAll('"', '`'), name)).map(readable);
  return {
    ...ends(server),
    kind: 'mysql',
    url,
    query,
    async endConnections() {
      const threads = await query("SELECT id FROM information_schema.processlist WHERE user = 'millrace' AND RAND() < 0.5");
      // The thread may have ended by itself in the meantime.
      await Promise.all(threads.map(({ id }) => query(`KILL CONNECTION ${id}`).catch(unlessGone)));
    },
  };
}

/** The error number for a thread that does not exist. */
const noSuchThread = 1_094;

function unlessGone(error: unknown): void {
  if ((error as { readonly errno?: number }).errno !== noSuchThread) throw error;
}

function ends(server: PostgresServer | MariadbServer) {
  return {
    port: server.port,
    kill: () => server.kill(),
    shutDown: () => server.shutDown(),
    run: () => server.run(),
    stop: () => server.stop(),
  };
}

/** Decodes columns of bytes as text. */
function readable(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString() : value]));
}
