import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url));

/** Time limit for a start or a stop, in milliseconds: far longer than either takes on a machine with too much to do. */
const patienceMs = 5 * 60_000;

export interface ServerOptions {
  readonly folder: string;
  /** The served systems; all by default. */
  readonly served?: readonly string[];
  /** The URL of its database. */
  readonly database: string;
  readonly port: number;
  /** The file for this life's log. */
  readonly log: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The end of a life: a signal, or an exit code. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * One life of the real server, under the Node.js that runs this program: it is recent enough, so the launcher starts no other, and the
 * killed process is the server itself.
 */
export class Server {
  readonly ended: Promise<End>;
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #options: ServerOptions;
  #end: End | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    const log = openSync(options.log, 'a');
    const words = ['serve', ...(options.served ?? []), '--port', String(options.port), '--database', options.database];
    this.#child = spawn(process.execPath, [launcher, ...words], {
      cwd: options.folder,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.environment },
      stdio: ['ignore', 'pipe', log],
    });
    closeSync(log);
    this.ended = once(this.#child, 'exit').then(([code, signal]) => {
      this.#end = { code, signal };
      return this.#end;
    });
    this.ready = this.#listening();
    // A kill during the start does not wait for this.
    this.ready.catch(() => undefined);
  }

  /** Undefined while it is alive. */
  get end(): End | undefined {
    return this.#end;
  }

  /** Sends a signal; does nothing once it has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.#end === undefined) this.#child.kill(signal);
  }

  async kill(): Promise<End> {
    this.signal('SIGKILL');
    return this.ended;
  }

  /** Throws if it does not end in time. */
  async stop(): Promise<End> {
    this.signal('SIGTERM');
    return within(this.ended, `the server did not stop within ${patienceMs} ms`);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  #listening(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let printed = '';
    let isReady = false;
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      isReady ||= printed.includes('listening on http://');
      if (isReady) resolve();
    });
    this.#child.once('error', reject);
    this.#child.once('exit', (code, signal) => {
      if (isReady) return;
      const said = readFileSync(this.#options.log, 'utf8').trim().split('\n').at(-1);
      reject(new Error(`the server ended with ${signal ?? code} before it was ready: ${said}`));
    });
    return within(promise, `the server was not ready within ${patienceMs} ms`);
  }
}

async function within<T>(done: Promise<T>, otherwise: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(otherwise)), patienceMs);
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}
