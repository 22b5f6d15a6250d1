import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf, lineOf, newSecret } from '../../src/server/access/token.ts';
import type { Server } from './client.ts';

const launcher = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url));
const readyTimeoutMs = 60_000;
/** The provider does not answer for some messages. */
const expectedLine = '"msg":"gave up a delivery"';
/** Log lines kept; there should be none. */
const linesMax = 50;

export interface VictimOptions {
  readonly folder: string;
  /** The destination of messages. */
  readonly providerUrl: string;
  readonly asksForTokens: boolean;
}

/** The server under attack, in its own process with all systems. */
export class Victim {
  readonly port: number;
  /** The required authorization; undefined if none. */
  readonly authorization: string | undefined;
  /** The first lines that it logged as errors, or printed. */
  readonly lines: readonly string[];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;

  private constructor(child: ChildProcess, { port, authorization }: Server, lines: readonly string[]) {
    this.#child = child;
    this.port = port;
    this.authorization = authorization;
    this.lines = lines;
    this.#ended = once(child, 'close');
  }

  /** Resolves once it accepts requests. Throws if it never does. */
  static async start({ folder, providerUrl, asksForTokens }: VictimOptions): Promise<Victim> {
    const { NODE_TEST_CONTEXT: _, PORT: _1, HOST: _2, DATABASE_URL: _3, ...inherited } = process.env;
    const secret = newSecret();
    const line = lineOf({ name: 'fuzz', role: 'operate', digest: digestOf(secret), pipelines: undefined });
    const environment = {
      ...inherited,
      ...(asksForTokens && { MILLRACE_TOKENS: line }),
      LOG_LEVEL: 'error',
      SMS_PROVIDER_URL: providerUrl,
      SCHEDULER_INTERVAL: '1s',
      // A caller that stops the batches waits for the one under way.
      SCHEDULER_BATCH_TIMEOUT: '2s',
      MESSAGE_BATCH_SIZE: '20',
      MESSAGE_MAX_WORKERS: '4',
      MESSAGE_MAX_ATTEMPTS: '2',
      MESSAGE_RETRY_BACKOFF: '100ms',
    };
    const words = [launcher, 'serve', '--port', '0', '--database', `sqlite:${join(folder, 'fuzz.db')}`];
    // In its own process group, so that an interrupt of the attack does not reach the server.
    const child = spawn(process.execPath, words, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const leave = () => child.kill('SIGKILL');
    process.once('exit', leave);
    child.once('exit', () => process.off('exit', leave));
    const lines: string[] = [];
    const ready = Promise.withResolvers<number>();
    const read = (text: string) => {
      const port = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1];
      if (port !== undefined) ready.resolve(Number(port));
      else
        lines.push(
          ...text
            .split('\n')
            .filter((line) => line !== '' && !line.includes(expectedLine))
            .slice(0, linesMax - lines.length),
        );
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    child.once('error', ready.reject);
    child.once('exit', (code, signal) => ready.reject(new Error(`the server ended with ${signal ?? code}: ${lines.join(' ')}`)));
    const timeout = setTimeout(() => ready.reject(new Error('the server did not become ready')), readyTimeoutMs);
    try {
      return new Victim(child, { port: await ready.promise, authorization: asksForTokens ? `Bearer ${secret}` : undefined }, lines);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(timeout);
    }
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Returns the resident memory in bytes; 0 if it is not alive. */
  memory(): number {
    const status = this.#isReadable() ? readFileSync(`/proc/${this.#child.pid}/status`, 'utf8') : '';
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  }

  /** Counts its open sockets, including listening and internal ones. */
  sockets(): number {
    if (!this.#isReadable()) return 0;
    const folder = `/proc/${this.#child.pid}/fd`;
    return readdirSync(folder).filter((name) => targetOf(join(folder, name)).startsWith('socket:')).length;
  }

  /** Asks it to stop, and kills it if it does not. Resolves to its exit code, or the signal. */
  async stop(timeoutMs: number): Promise<number | string> {
    const timeout = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    this.#child.kill('SIGTERM');
    await this.#ended;
    clearTimeout(timeout);
    return this.#child.signalCode ?? this.#child.exitCode ?? 'unknown';
  }

  /** Kills it at once, if it is still there. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #isReadable(): boolean {
    return process.platform === 'linux' && this.isAlive;
  }
}

/** Returns the target of a link; empty for one that has gone since the folder was read. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
