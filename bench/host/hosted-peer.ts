import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Cleanup } from '../servers/cleanup.ts';
import type { Answer, CallName, Calls, Message } from './protocol.ts';

const program = fileURLToPath(new URL('host.ts', import.meta.url));

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** A peer in its own process, so that it can be killed, and leaves nothing behind for the next one. */
export class HostedPeer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #acknowledged = new Set<number>();
  readonly #gone: Promise<unknown>;
  #calls = 0;

  constructor(cleanup: Cleanup, environment: Readonly<Record<string, string>> = {}) {
    this.#child = fork(program, {
      env: { ...process.env, ...environment },
      serialization: 'advanced',
      execArgv: ['--disable-warning=ExperimentalWarning', '--disable-warning=DeprecationWarning'],
    });
    this.#gone = once(this.#child, 'exit');
    cleanup.add(() => this.kill());
    this.#child.on('message', (message: Message) => this.#receive(message));
    this.#child.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the host ended with ${signal ?? code}`));
    });
  }

  /** The numbers of the events reported as acknowledged, in `pour`. */
  get acknowledged(): ReadonlySet<number> {
    return this.#acknowledged;
  }

  call<C extends CallName>(call: C, ...words: Parameters<Calls[C]>): Promise<Answer<C>> {
    this.#calls += 1;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(this.#calls, { resolve, reject });
    this.#child.send({ id: this.#calls, call, words });
    return promise as Promise<Answer<C>>;
  }

  /** Kills it by SIGKILL. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone;
  }

  #receive(message: Message): void {
    if ('acknowledged' in message) {
      for (const n of message.acknowledged) this.#acknowledged.add(n);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('failure' in message) waiting?.reject(new Error(message.failure));
    else waiting?.resolve(message.answer);
  }
}
