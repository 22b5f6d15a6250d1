import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './program.ts';

/** Why a test that needs a Redis is left out; false where there is one, or must be (`TEST_SERVERS=required`). For the `skip` of a test. */
export const withoutRedis: string | false =
  spawnSync('redis-server', ['--version']).error === undefined || process.env.TEST_SERVERS === 'required'
    ? false
    : 'there is no redis-server here; with it (apt-get install redis-server) this runs';

/** A Redis of the test's own: on a free port of the loopback, in a temporary folder, gone when the test ends. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #password: string | undefined;
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string, password: string | undefined) {
    this.port = port;
    this.#folder = folder;
    this.#password = password;
  }

  /** One that answers already, or (`start: false`) one that is not there yet. */
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
    const child = spawn('redis-server', secured, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      if (printed.includes('Ready to accept connections')) ready.resolve();
    });
    once(child, 'exit').then(([code]) => ready.reject(new Error(`redis-server ended with ${code}: ${printed}`)));
    await ready.promise;
  }

  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}
