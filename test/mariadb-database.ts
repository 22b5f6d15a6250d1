import { type AskedOfMariadb, MariadbServer, queryOn } from './mariadb-server.ts';

const variable = 'TEST_MARIADB_PORT';

/** Databases of a test file's own, for stores that need nobody else gone and nothing killed. Whoever opens it closes it. */
export class MariadbDatabases {
  readonly #port: number;
  readonly #close: () => Promise<void>;
  readonly #names: string[] = [];

  private constructor(port: number, close: () => Promise<void>) {
    this.#port = port;
    this.#close = close;
  }

  /** On a server that test files share, if there is one; otherwise on one that is started for it. */
  static async open(): Promise<MariadbDatabases> {
    const shared = process.env[variable];
    if (shared !== undefined) return new MariadbDatabases(Number(shared), async () => undefined);
    const server = await MariadbServer.start();
    return new MariadbDatabases(server.port, () => server.stop());
  }

  /** The name of a database that is still to be made. */
  name(): string {
    const name = `file_${process.pid}_${this.#names.length + 1}`;
    this.#names.push(name);
    return name;
  }

  /** Makes a database unless it is there. */
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

/** Starts a server that all test files of a run share, and says so to the processes to come. Resolves to what stops it. */
export async function shareMariadb(): Promise<() => Promise<void>> {
  const server = await MariadbServer.start();
  process.env[variable] = String(server.port);
  return () => server.stop();
}
