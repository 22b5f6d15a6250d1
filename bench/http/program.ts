import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Cleanup } from '../servers/cleanup.ts';
import { processorTimeOf } from '../servers/processor-time.ts';

export interface ProgramOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A server that prints `listening on URL` once it accepts requests. */
export class ServerProgram {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** Starts it under the Node.js that runs this program. Throws if it ends instead. */
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

  /** Returns the processor time of all its threads so far. NaN without /proc. */
  cpuMs(): number {
    return processorTimeOf(this.#child.pid);
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
