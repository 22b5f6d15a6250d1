import { type AskedOfMariadb, MariadbServer, queryOn } from './mariadb-server.ts';

const variable = 'TEST_MARIADB_PORT';

/** A test file's own databases, for stores whose tests evict and kill nobody. The caller that opens it closes it. */
export class MariadbDatabases {
  readonly #port: number;
  readonly #close: () => Promise<void>;
  readonly #names: string[] = [];

  private constructor(port: number, close: () => Promise<void>) {
    this.#port = port;
    this.#close = close;
  }

  /** Uses a server shared by test files, if there is one; otherwise starts one. */
  static async open(): Promise<MariadbDatabases> {
    const shared = process.env[variable];
    if (shared !== undefined) return new MariadbDatabases(Number(shared), async () => undefined);
    const server = await MariadbServer.start();
    return new MariadbDatabases(server.port, () => server.stop());
  }

  /** Returns the name of a database that does not exist yet. */
  name(): string {
    const name = `file_${process.pid}_${this.#names.length + 1}`;
    this.#names.push(name);
    return name;
  }

  /** Makes a database unless it exists. */
  async ensure(name: string): Promise<void> {
    await this.query(`CREATE DATABASE IF NOT EXISTS ${name}`);
  }

  /** Makes an empty database; returns its name. */
  async create(): Promise<string> {
    const name = this.name();
    await this.ensure(name);
    return name;
  }

  url(name: string): string {
    return `mysql://millrace:secret@127.0.0.1:${this.#port}/${name}`;
  }

  /** Runs SQL as an administrator, and returns the rows. */
  query(sql: string, asked?: AskedOfMariadb): Promise<Record<string, unknown>[]> {
    return queryOn(this.#port, sql, asked);
  }

  async drop(name: string): Promise<void> {
    await this.query(`DROP DATABASE IF EXISTS ${name}`);
  }

  async close(): Promise<void> {
    for (const name of this.#names) await this.drop(name);
    await this.#close();
  }
}

/** Starts a server shared by all test files of a run, and announces it to child processes. Resolves to a function that stops it. */
export async function shareMariadb(): Promise<() => Promise<void>> {
  const server = await MariadbServer.start();
  process.env[variable] = String(server.port);
  return () => server.stop();
}
