import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { MillraceError, messageOf } from '../../errors.ts';
import type { Clock } from '../clock.ts';
import type { TurnRecord } from '../turn.ts';
import { inheritedFlags } from './inherited-flags.ts';
import {
  type AttemptAnswer,
  type AttemptRequest,
  fromSentError,
  isSentError,
  type SentError,
  type ThreadPurpose,
  type Work,
} from './thread-messages.ts';

export interface ThreadPoolMeans {
  readonly clock: Clock;
  /** Called when a thread without an attempt died. */
  died(error: unknown): void;
  /** Called when a promise left behind by a handler rejected. */
  leftBehind(error: unknown): void;
}

export interface ThreadPoolOptions extends ThreadPurpose {
  /** Maximum number of threads. */
  readonly size: number;
}

/** Maximum time for a thread to start and import the module. In milliseconds. */
const startTimeoutMs = 30_000;
/** An idle thread ends after this time. In milliseconds. */
const idleTimeoutMs = 60_000;
/** Time that closing waits for threads that are busy outside of JavaScript. In milliseconds. */
const endTimeoutMs = 2_000;

const entry = fileURLToPath(new URL(`./handler-thread${extname(fileURLToPath(import.meta.url))}`, import.meta.url));

/**
 * The threads of one pipeline. Each runs one attempt at a time. Aborting an attempt terminates its thread, even if the attempt blocks it,
 * and the next attempt gets a new thread.
 */
export class ThreadPool {
  readonly #means: ThreadPoolMeans;
  readonly #options: ThreadPoolOptions;
  #threads: Piscina<AttemptRequest | undefined, unknown> | undefined;
  /** Threads that have not ended, including those being ended. */
  readonly #alive = new Set<Worker>();
  readonly #begun = new Map<number, () => void>();
  #lastAttemptId = 0;
  /** Slots for attempts, one per thread, and the callers waiting for one: a pipeline of several partitions may start more. */
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(means: ThreadPoolMeans, options: ThreadPoolOptions) {
    this.#means = means;
    this.#options = options;
    this.#free = options.size;
  }

  /** Starts a thread and has it import the module. Throws `MILL_INVALID_DECLARATION` if the module lacks the pipeline. */
  async start(): Promise<void> {
    const { module, pipeline, size } = this.#options;
    // Only programs with such a pipeline wait for it to load.
    const { Piscina } = await import('piscina');
    this.#threads = new Piscina({
      filename: entry,
      workerData: { module, pipeline } satisfies ThreadPurpose,
      execArgv: inheritedFlags(process.execArgv),
      // It would refill itself whenever an aborted thread ends, even after being destroyed.
      minThreads: 0,
      maxThreads: size,
      idleTimeout: idleTimeoutMs,
      // A thread waiting in Atomics.wait would block the work of a handler's libraries between its calls.
      atomics: 'disabled',
      recordTiming: false,
    });
    this.#threads.on('error', (error) => this.#means.died(error));
    this.#threads.on('message', (message: unknown) => this.#hear(message));
    const problem = await this.#load(this.#threads);
    if (problem !== undefined) throw fromSentError(problem);
  }

  /** Runs one attempt and returns the next state; the handler's effects are then in the turn. Throws what the handler threw. */
  run(turn: TurnRecord, work: Work, state: unknown): Promise<unknown> {
    const begun = Promise.withResolvers<void>();
    turn.begun = begun.promise;
    return this.#run(turn, work, state, begun.resolve);
  }

  /** Ends the threads, whatever they are doing. */
  async close(): Promise<void> {
    if (this.#threads === undefined) return;
    this.#follow(this.#threads);
    const ended = Promise.all(Array.from(this.#alive, (thread) => once(thread, 'exit')));
    await this.#within(endTimeoutMs, Promise.all([this.#threads.destroy(), ended]));
    this.#threads = undefined;
  }

  async #run(turn: TurnRecord, work: Work, state: unknown, begun: () => void): Promise<unknown> {
    await this.#takePlace();
    try {
      const { lines, ...outcome } = await this.#ask(turn, work, state, begun);
      for (const { level, message, fields } of lines) turn.log[level](message, fields);
      if ('failed' in outcome) throw fromSentError(outcome.failed);
      turn.adopt(outcome.decided);
      return outcome.decided.next;
    } finally {
      this.#leavePlace();
    }
  }

  async #ask(turn: TurnRecord, work: Work, state: unknown, begun: () => void): Promise<AttemptAnswer> {
    const { signal, key, id, attempt, acceptedAt, now, traceparent = null, effectsMax } = turn;
    const { clock } = this.#means;
    signal.throwIfAborted();
    if (this.#threads === undefined) throw new MillraceError('MILL_STOPPING', 'the threads have ended');
    this.#lastAttemptId += 1;
    const attemptId = this.#lastAttemptId;
    const disarm = clock.after(startTimeoutMs, () =>
      turn.abort(new MillraceError('MILL_HANDLER_TIMEOUT', `no thread started the handler within ${startTimeoutMs} ms`)),
    );
    this.#begun.set(attemptId, () => {
      disarm();
      begun();
    });
    try {
      const answer = this.#threads.run(
        { attemptId, turn: { key, id, attempt, acceptedAt, now, traceparent, effectsMax }, work, state },
        { name: 'run', signal },
      );
      this.#follow(this.#threads);
      // The entry returns nothing else.
      return (await answer) as AttemptAnswer;
    } catch (error) {
      signal.throwIfAborted();
      throw this.#explain(error);
    } finally {
      disarm();
      this.#begun.delete(attemptId);
    }
  }

  /** The entry itself never throws, so this is about a failure before or after it. */
  #explain(error: unknown): MillraceError {
    if (error instanceof DOMException && error.name === 'DataCloneError') {
      return new MillraceError('MILL_INVALID_STATE', `the event and the state must be copyable to a thread: ${error.message}`);
    }
    return new MillraceError('MILL_INTERNAL', `the thread of the handler has ended: ${messageOf(error)}`, { cause: error });
  }

  async #load(threads: Piscina<undefined, unknown>): Promise<SentError | undefined> {
    const { clock } = this.#means;
    const { module, pipeline } = this.#options;
    const late = new AbortController();
    const disarm = clock.after(startTimeoutMs, () => late.abort());
    try {
      const answer = threads.run(undefined, { name: 'load', signal: late.signal });
      this.#follow(threads);
      // The entry returns nothing else.
      return (await answer) as SentError | undefined;
    } catch (error) {
      const found = late.signal.aborted ? `one that takes longer than ${startTimeoutMs} ms` : messageOf(error);
      const message = `pipeline ${pipeline}: module: a thread cannot import ${module}: ${found}`;
      throw new MillraceError('MILL_INVALID_DECLARATION', message, { cause: error });
    } finally {
      disarm();
    }
  }

  /** A user's module may send anything. */
  #hear(message: unknown): void {
    if (typeof message !== 'object' || message === null) return;
    if ('begun' in message && typeof message.begun === 'number') this.#begun.get(message.begun)?.();
    if ('leftBehind' in message && isSentError(message.leftBehind)) this.#means.leftBehind(fromSentError(message.leftBehind));
  }

  /** An aborted thread leaves the pool before it has ended. */
  #follow({ threads }: Piscina<undefined, unknown>): void {
    for (const thread of threads) {
      if (this.#alive.has(thread)) continue;
      this.#alive.add(thread);
      thread.once('exit', () => this.#alive.delete(thread));
    }
  }

  async #takePlace(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leavePlace(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }

  async #within(timeoutMs: number, done: Promise<unknown>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const disarm = this.#means.clock.after(timeoutMs, resolve);
    await Promise.race([done, late]);
    disarm();
  }
}
