import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { account, type PostgresServer } from './postgres-server.ts';
import { ServerProcess } from './server-process.ts';

/** The reason to skip tests that need PgBouncer; false where it is available, or required (`TEST_SERVERS=required`). */
export const withoutPgBouncer: string | false =
  spawnSync('pgbouncer', ['--version']).error === undefined || process.env.TEST_SERVERS === 'required'
    ? false
    : 'pgbouncer is missing; to run this: apt-get install pgbouncer';

/** A test's own PgBouncer, in transaction mode, in front of a test's server. The caller that starts it stops it. */
export class PgBouncer {
  readonly #port: number;
  readonly #server: PostgresServer;
  #process: ServerProcess | undefined;

  private constructor(port: number, server: PostgresServer) {
    this.#port = port;
    this.#server = server;
  }

  /** Resolves when it answers. */
  static async start(server: PostgresServer): Promise<PgBouncer> {
    const bouncer = new PgBouncer(await freePort(), server);
    const path = join(server.folder, 'pgbouncer.ini');
    const settings = ['listen_addr = 127.0.0.1', `listen_port = ${bouncer.#port}`, 'unix_socket_dir =', 'auth_type = any'];
    const pools = ['pool_mode = transaction', 'max_client_conn = 2000', 'default_pool_size = 20'];
    const databases = ['[databases]', `* = host=127.0.0.1 port=${server.port} user=millrace`];
    writeFileSync(path, [...databases, '[pgbouncer]', ...settings, ...pools, ''].join('\n'));
    bouncer.#process = await ServerProcess.start('pgbouncer', [path], { ...account, says: 'stderr', ready: 'process up' });
    return bouncer;
  }

  /** Returns the address of a database of the server, through the pooler. */
  url(database: string): string {
    return this.#server.url(database).replace(String(this.#server.port), String(this.#port));
  }

  /** Resolves when it is gone. */
  async stop(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }
}
