import { MillraceError } from '../errors.ts';
import type { Logger } from './logger.ts';

type Stage = 'new' | 'starting' | 'working' | 'stopping' | 'failed';

/**
 * The state of an engine. Its methods alone change it:
 *
 * | from | by | to | when |
 * |---|---|---|---|
 * | `new` | `start` | `starting` | somebody starts it |
 * | `starting` | `work` | `working` | every partition has begun, or waits for room or for another engine |
 * | `starting`, `failed` | `giveUpStart` | `new` | the start has failed; it may be tried once more |
 * | any but `failed` | `stop` | `stopping` | somebody stops it: it takes nothing in from now on, and stays so |
 * | any | `fail` | `failed` | the store failed for good |
 *
 * What may never happen: an engine that has failed or was stopped takes an event in.
 */
export class EngineState {
  /** Resolves when the engine has ended, rejects when the store failed for good. */
  readonly stopped: Promise<void>;
  readonly #log: Logger;
  readonly #ended = Promise.withResolvers<void>();
  #stage: Stage = 'new';
  #failure: MillraceError | undefined;

  constructor(log: Logger) {
    this.#log = log;
    this.stopped = this.#ended.promise;
    // Who does not look at `stopped` learns of the failure from every call.
    this.stopped.catch(() => {});
  }

  /** Why the engine ended by itself; undefined while it has not. */
  get failure(): MillraceError | undefined {
    return this.#failure;
  }

  get isWorking(): boolean {
    return this.#stage === 'working';
  }

  get isStopping(): boolean {
    return this.#stage === 'stopping';
  }

  start(): void {
    if (this.#stage !== 'new') throw new MillraceError('MILL_CONFLICT', 'start: expected a new engine, found one that was started before');
    this.#stage = 'starting';
  }

  work(): void {
    if (this.#stage === 'starting') this.#stage = 'working';
  }

  giveUpStart(): void {
    if (this.#stage !== 'stopping') this.#stage = 'new';
  }

  stop(): void {
    if (this.#stage !== 'failed') this.#stage = 'stopping';
  }

  fail(error: MillraceError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#stage = 'failed';
    // Who started the engine learns of it from `stopped`, and says so once.
    this.#log.debug({ code: error.code, reason: error.message }, 'the engine has failed');
    this.#ended.reject(error);
  }

  /** The stop is over. */
  ended(): void {
    this.#ended.resolve();
  }

  /** The stop has failed. */
  endedWith(error: unknown): void {
    this.#ended.reject(error);
  }

  /** Throws while the engine takes no orders. */
  checkWorking(): void {
    if (this.#stage === 'working') return;
    if (this.#failure !== undefined) throw new MillraceError(this.#failure.code, this.#failure.message, { cause: this.#failure });
    if (this.#stage === 'stopping') throw new MillraceError('MILL_STOPPING', 'the engine is stopping', { retryAfterMs: 1000 });
    throw new MillraceError('MILL_STOPPING', 'the engine is not started');
  }
}
