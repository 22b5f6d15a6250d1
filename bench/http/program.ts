import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Cleanup } from '../servers/cleanup.ts';

export interface ProgramOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** What /proc counts processor time in: USER_HZ is 100 on all that Node.js runs on. */
const tickMs = 10;

/** A server that prints `listening on URL` when it takes requests. */
export class ServerProgram {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** Starts it on the Node.js that runs this. Throws when it ends instead. */
  static async start(words: readonly string[], { cwd, environment = {} }: ProgramOptions, cleanup: Cleanup): Promise<ServerProgram> {
    const child = spawn(process.execPath, words, {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    cleanup.add(() => kill(child));
    const url = Promise.withResolvers<string>();
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const found = /listening on (http:\/\/\S+)/.exec(printed)?.[1];
      if (found !== undefined) url.resolve(found);
    });
    child.on('exit', (code) => url.reject(new Error(`${words.join(' ')} ended with ${code}: ${printed}`)));
    return new ServerProgram(await url.promise, child);
  }

  /** The processor time that all its threads have taken so far. NaN where there is no /proc. */
  cpuMs(): number {
    if (process.platform !== 'linux') return Number.NaN;
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8');
    // The second field is a name in brackets that may have blanks; the 14th and the 15th are the user's and the system's time.
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return (Number(user) + Number(system)) * tickMs;
  }

  stop(): Promise<void> {
    return kill(this.#child);
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
