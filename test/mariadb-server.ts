import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { freePort } from './free-port.ts';
import { ServerProcess } from './server-process.ts';

const program = '/usr/sbin/mariadbd';

/** The reason to skip tests that need MariaDB; false where it is available, or required (`TEST_SERVERS=required`). */
export const withoutMariadb: string | false =
  existsSync(program) || process.env.TEST_SERVERS === 'required'
    ? false
    : 'MariaDB is missing; to run this: apt-get install mariadb-server';

export interface MariadbServerOptions {
  /** True if commits must survive a crash of the machine; a test that kills no server needs no disk. */
  readonly isDurable?: boolean;
  /** The parent of its folder; by default the one for temporary files. */
  readonly parent?: string;
  /** Additional server options, such as `--binlog-format=STATEMENT`. */
  readonly words?: readonly string[];
}

/** A test's own MariaDB: on a free port of the loopback, in a temporary folder. The caller that starts it stops it. */
export class MariadbServer {
  readonly port: number;
  readonly #folder: string;
  readonly #words: readonly string[];
  #process: ServerProcess | undefined;
  #databases = 0;

  private constructor(port: number, folder: string, words: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#words = words;
  }

  static async start({ isDurable = false, parent = tmpdir(), words = [] }: MariadbServerOptions = {}): Promise<MariadbServer> {
    const folder = mkdtempSync(join(parent, 'millrace-mariadb-'));
    // A starting server removes all temporary tables of the folder, even another server's; so does the program that makes the system tables.
    const folders = [`--datadir=${join(folder, 'data')}`, `--tmpdir=${folder}`];
    const install = ['--no-defaults', ...folders, ...asRoot, '--auth-root-authentication-method=normal', '--skip-test-db'];
    execFileSync('/usr/bin/mariadb-install-db', install, { stdio: 'pipe', cwd: folder });
    const port = await freePort();
    const first = join(folder, 'first.sql');
    writeFileSync(first, grants);
    const server = new MariadbServer(port, folder, [
      ...['--no-defaults', ...asRoot, ...folders, `--port=${port}`, '--bind-address=127.0.0.1', '--skip-name-resolve'],
      ...[`--socket=${join(folder, 'socket')}`, `--pid-file=${join(folder, 'pid')}`, `--init-file=${first}`, '--max-connections=500'],
      ...['--character-set-server=latin1', '--max-allowed-packet=64M', '--innodb-buffer-pool-size=64M'],
      ...(isDurable
        ? []
        : [
            '--innodb-flush-log-at-trx-commit=0',
            '--innodb-flush-method=nosync',
            '--skip-innodb-doublewrite',
            '--skip-innodb-file-per-table',
          ]),
      ...words,
    ]);
    await server.run();
    return server;
  }

  /** Starts it, again after {@link kill}. Resolves when it answers. */
  async run(): Promise<void> {
    const options = { cwd: this.#folder, says: 'stderr', ready: 'ready for connections' } as const;
    this.#process = await ServerProcess.start(program, this.#words, options);
  }

  /** Returns the address of a database, for a user who has no rights beyond those in it. */
  url(database: string): string {
    return `mysql://millrace:secret@127.0.0.1:${this.port}/${database}`;
  }

  /** Makes an empty database; returns its address. */
  async createDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `test_${this.#databases}`;
    await this.query(`CREATE DATABASE ${name}`);
    return this.url(name);
  }

  /** Runs SQL on a database as an administrator, and returns the rows. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]> {
    return queryOn(this.port, sql, { database });
  }

  /** Ends it like a crash. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }

  /** Ends it like an operator who restarts it: transactions under way are rolled back. Resolves when it is gone. */
  async shutDown(): Promise<void> {
    await this.#process?.end('SIGTERM');
  }

  /** Ends it, and removes its files. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The options of a statement. */
export interface AskedOfMariadb {
  readonly database?: string | undefined;
  /** The values of its parameters, each a `?`. */
  readonly values?: readonly unknown[];
}

/** Runs SQL on the server at a port as an administrator, and returns the rows. */
export async function queryOn(
  port: number,
  sql: string,
  { database, values = [] }: AskedOfMariadb = {},
): Promise<Record<string, unknown>[]> {
  const client = await createConnection({ host: '127.0.0.1', port, user: 'root', ...(database !== undefined && { database }) });
  try {
    const [rows] = await client.query(sql, [...values]);
    return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
  } finally {
    await client.end();
  }
}

const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];

/** Rights on the test databases only, and none that cover the whole server. */
const grants = `CREATE USER IF NOT EXISTS millrace@'%' IDENTIFIED BY 'secret';
GRANT ALL ON \`test\\_%\`.* TO millrace@'%';
GRANT ALL ON \`file\\_%\`.* TO millrace@'%';
`;
