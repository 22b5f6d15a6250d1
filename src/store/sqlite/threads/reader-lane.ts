import type { ReaderMethods } from '../partition/reader.ts';
import { type Interrupt, newInterrupt } from './interruptible.ts';
import type { ReaderThreadOptions } from './reader-thread.ts';
import { type AnswerOf, type ParametersOf, Thread } from './thread.ts';

/** Options of a lane. */
export interface LaneOptions {
  /** Maximum number of threads; each is started when all others are busy. */
  readonly threads: number;
  /** Maximum requests sent to a thread at once. Those waiting elsewhere can be cancelled for free. */
  readonly requestsAtOnce: number;
}

/** Time that a statement may continue after being told to end. Then its thread is abandoned and replaced by another. In milliseconds. */
const graceMs = 1_000;
/** Maximum threads of a lane left to statements that do not end. At that number the lane waits for one of them. */
const straysMax = 2;
/** Numbers restart after this one, the maximum of an `Int32Array`. */
const numberMax = 2 ** 31 - 1;

interface Job {
  readonly number: number;
  readonly method: keyof ReaderMethods;
  readonly parameters: readonly unknown[];
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** The reader that has it; undefined while it waits. */
  reader: Reader | undefined;
}

interface Reader {
  readonly thread: Thread<ReaderMethods>;
  readonly interrupt: Interrupt;
  readonly jobs: Set<Job>;
}

/**
 * Threads that read for one purpose, and their queue. A cancelled call leaves the queue; a running query is interrupted (`Interruptible`).
 * A reader has no state, so one that has died, perhaps from a query that took too much memory, is replaced.
 */
export class ReaderLane {
  readonly #options: Omit<ReaderThreadOptions, 'interrupt'>;
  readonly #lane: LaneOptions;
  readonly #waiting = new Set<Job>();
  readonly #readers = new Set<Reader>();
  readonly #strays = new Set<Reader>();
  #lastNumber = 0;
  #idle = Promise.withResolvers<void>();

  constructor(options: Omit<ReaderThreadOptions, 'interrupt'>, lane: LaneOptions) {
    this.#options = options;
    this.#lane = lane;
    this.#idle.resolve();
  }

  /** Rejects with the signal's reason once it is aborted. */
  call<Method extends keyof ReaderMethods & string>(
    method: Method,
    parameters: ParametersOf<ReaderMethods, Method>,
    signal?: AbortSignal,
  ): AnswerOf<ReaderMethods, Method>;
  call(method: keyof ReaderMethods, parameters: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      this.#lastNumber = (this.#lastNumber % numberMax) + 1;
      const job: Job = { number: this.#lastNumber, method, parameters, resolve, reject, reader: undefined };
      if (this.#isIdle) this.#idle = Promise.withResolvers();
      this.#waiting.add(job);
      signal?.addEventListener('abort', () => this.#cancel(job, signal.reason), { once: true });
      this.#dispatch();
    });
  }

  /** Finishes the calls made, except those that do not end, and releases the database. */
  async close(): Promise<void> {
    await this.#idle.promise;
    await Promise.all(Array.from(this.#readers, ({ thread }) => thread.close()));
  }

  get #isIdle(): boolean {
    return this.#waiting.size === 0 && Array.from(this.#readers).every(({ jobs }) => jobs.size === 0);
  }

  #dispatch(): void {
    for (const job of this.#waiting) {
      const reader = this.#freeReader();
      if (reader === undefined) return;
      this.#waiting.delete(job);
      void this.#perform(job, reader);
    }
  }

  /** Returns the reader with the fewest requests, or a new one if all are busy and the limit allows it. */
  #freeReader(): Reader | undefined {
    const { threads, requestsAtOnce } = this.#lane;
    const [least] = Array.from(this.#readers).sort((a, b) => a.jobs.size - b.jobs.size);
    if (least?.jobs.size === 0) return least;
    const mayStart = this.#readers.size < threads && this.#strays.size < straysMax;
    if (mayStart) return this.#start();
    return least !== undefined && least.jobs.size < requestsAtOnce ? least : undefined;
  }

  #start(): Reader {
    const interrupt = newInterrupt();
    const reader = { thread: new Thread<ReaderMethods>('reader-thread', { ...this.#options, interrupt }), interrupt, jobs: new Set<Job>() };
    this.#readers.add(reader);
    void reader.thread.exited.then(() => {
      this.#readers.delete(reader);
      this.#strays.delete(reader);
      this.#dispatch();
    });
    return reader;
  }

  async #perform(job: Job, reader: Reader): Promise<void> {
    const { method, parameters, number } = job;
    job.reader = reader;
    reader.jobs.add(job);
    const call: (method: string, ...parameters: unknown[]) => Promise<unknown> = reader.thread.call.bind(reader.thread) as never;
    try {
      job.resolve(await call(method, ...parameters, ...(method === 'query' ? [number] : [])));
    } catch (error) {
      if (reader.thread.isEnded) this.#readers.delete(reader);
      job.reject(error);
    } finally {
      this.#done(job, reader);
    }
  }

  #done(job: Job, reader: Reader): void {
    reader.jobs.delete(job);
    this.#dispatch();
    if (this.#isIdle) this.#idle.resolve();
  }

  #cancel(job: Job, reason: unknown): void {
    job.reject(reason);
    const { reader } = job;
    if (reader === undefined) {
      this.#waiting.delete(job);
      if (this.#isIdle) this.#idle.resolve();
    } else if (job.method === 'query' && reader.jobs.has(job)) {
      Atomics.store(reader.interrupt, 0, job.number);
      setTimeout(() => this.#leave(job, reader), graceMs).unref();
    }
  }

  /** Leaves a reader to a statement that does not end: it is terminated together with it. */
  #leave(job: Job, reader: Reader): void {
    if (!reader.jobs.has(job) || !this.#readers.delete(reader)) return;
    this.#strays.add(reader);
    reader.thread.abandon();
    this.#dispatch();
    if (this.#isIdle) this.#idle.resolve();
  }
}
