import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './program.ts';
import { ServerProcess } from './server-process.ts';

/** The reason to skip tests that need Redis; false where it is available, or required (`TEST_SERVERS=required`). */
export const withoutRedis: string | false =
  spawnSync('redis-server', ['--version']).error === undefined || process.env.TEST_SERVERS === 'required'
    ? false
    : 'redis-server is missing; to run this: apt-get install redis-server';

/** A test's own Redis: on a free port of the loopback, in a temporary folder, gone when the test ends. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #password: string | undefined;
  #process: ServerProcess | undefined;

  private constructor(port: number, folder: string, password: string | undefined) {
    this.port = port;
    this.#folder = folder;
    this.#password = password;
  }

  /** Makes a running server or, with `start: false`, one that has yet to start. */
  static async make(
    context: TestContext,
    { password, start = true }: { readonly password?: string; readonly start?: boolean } = {},
  ): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), temporaryFolder(context), password);
    context.after(() => server.kill());
    if (start) await server.start();
    return server;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const words = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', this.#folder];
    const secured = this.#password === undefined ? words : [...words, '--requirepass', this.#password];
    this.#process = await ServerProcess.start('redis-server', secured, { says: 'stdout', ready: 'Ready to accept connections' });
  }

  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }
}
