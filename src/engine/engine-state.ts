import { MillraceError } from '../errors.ts';
import type { Logger } from './logger.ts';

type Stage = 'new' | 'starting' | 'working' | 'stopping' | 'failed';

/**
 * The state of an engine. Its methods alone change it:
 *
 * | from | by | to | when |
 * |---|---|---|---|
 * | `new` | `start` | `starting` | it is started |
 * | `starting` | `work` | `working` | every partition has begun, or waits for room or another engine |
 * | `starting`, `failed` | `giveUpStart` | `new` | the start has failed; it may be retried |
 * | any but `failed` | `stop` | `stopping` | it is stopped: it accepts nothing from now on |
 * | any | `fail` | `failed` | the store failed for good |
 *
 * Invariant: an engine that has failed or was stopped accepts no event.
 */
export class EngineState {
  /** Resolves when the engine has ended, rejects if the store failed for good. */
  readonly stopped: Promise<void>;
  readonly #log: Logger;
  readonly #ended = Promise.withResolvers<void>();
  #stage: Stage = 'new';
  #failure: MillraceError | undefined;

  constructor(log: Logger) {
    this.#log = log;
    this.stopped = this.#ended.promise;
    // Callers that ignore `stopped` learn of the failure from every call.
    this.stopped.catch(() => {});
  }

  /** The reason the engine ended by itself; undefined if it has not. */
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
    if (this.#stage !== 'new') throw new MillraceError('MILL_CONFLICT', 'start: an engine can be started only once; create a new one');
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
    // Whoever started the engine learns of it from `stopped`, and reports it once.
    this.#log.debug({ code: error.code, reason: error.message }, 'the engine has failed');
    this.#ended.reject(error);
  }

  /** Notes that the stop is complete. */
  ended(): void {
    this.#ended.resolve();
  }

  /** Notes that the stop has failed. */
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
