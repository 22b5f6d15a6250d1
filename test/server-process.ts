import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Maximum output kept of a server that fails to start, in UTF-16 units. */
const printedMax = 20_000;

export interface ServerProcessOptions extends Pick<SpawnOptions, 'cwd' | 'uid' | 'gid'> {
  /** The stream on which it reports that it answers. */
  readonly says: 'stdout' | 'stderr';
  readonly ready: string;
}

/** The process of a server that a test needs. The caller that starts it ends it. */
export class ServerProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when it answers. Throws, with its output, if it ends before that. */
  static async start(file: string, words: readonly string[], { says, ready, ...options }: ServerProcessOptions): Promise<ServerProcess> {
    const child = spawn(file, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const answers = Promise.withResolvers<void>();
    let printed = '';
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (printed.length < printedMax) printed += text;
        if (name === says && (text.includes(ready) || printed.includes(ready))) answers.resolve();
      });
    }
    child.once('error', answers.reject);
    child.once('exit', (code) => answers.reject(new Error(`${file} ended with ${code}: ${printed}`)));
    await answers.promise;
    return new ServerProcess(child);
  }

  /** Resolves when it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill(signal);
    await gone;
  }
}
