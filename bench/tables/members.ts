import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Cleanup } from '../servers/cleanup.ts';
import type { Request, Response, Taken } from './protocol.ts';

const program = fileURLToPath(new URL('member.ts', import.meta.url));

/** Options for starting a fleet. */
export interface MembersOptions {
  readonly url: string;
  readonly retain: string;
  readonly count: number;
  readonly keys: number;
}

/** The engines of a fleet, one per process. */
export class Members {
  readonly #children: readonly ChildProcess[];

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
  }

  /** One after another: the first makes the tables. */
  static async start({ url, retain, count, keys }: MembersOptions, cleanup: Cleanup): Promise<Members> {
    const children: ChildProcess[] = [];
    for (let nth = 0; nth < count; nth += 1) {
      const words = [url, retain, String(nth), String(count), String(keys)];
      const child = fork(program, words, {
        execArgv: ['--disable-warning=ExperimentalWarning'],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      const gone = once(child, 'exit');
      cleanup.add(async () => {
        child.kill('SIGKILL');
        await gone;
      });
      await answerOf(child, 'start');
      children.push(child);
    }
    return new Members(children);
  }

  get count(): number {
    return this.#children.length;
  }

  /** Runs a load of this many events per second in total. Resolves to each member's intake. */
  load(rate: number, seconds: number): Promise<readonly Taken[]> {
    return this.#ask({ call: 'load', rate: rate / this.count, seconds });
  }

  /** Resolves once nobody has work left, to each member's intake until then. */
  settle(): Promise<readonly Taken[]> {
    return this.#ask({ call: 'settle' });
  }

  async stop(): Promise<void> {
    await this.#ask({ call: 'stop' });
  }

  async #ask(request: Request): Promise<readonly Taken[]> {
    const taken = await Promise.all(
      this.#children.map((child) => {
        const answer = answerOf(child, request.call);
        child.send(request);
        return answer;
      }),
    );
    return taken.filter((one) => one !== undefined);
  }
}

/** The answer to a member's latest request. Rejects with its failure, and when it ends. */
async function answerOf(child: ChildProcess, call: Response['call']): Promise<Taken | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Taken | undefined>();
  const heard = (response: Response) => {
    if (response.call !== call) reject(new Error(`expected an answer to ${call}, found one to ${response.call}`));
    else if ('failure' in response) reject(new Error(response.failure));
    else resolve(response.taken);
  };
  const gone = (code: number | null, signal: string | null) => reject(new Error(`a member ended with ${signal ?? code}`));
  child.once('message', heard).once('exit', gone);
  try {
    return await promise;
  } finally {
    child.off('message', heard).off('exit', gone);
  }
}
