import { MillraceError, messageOf } from '../errors.ts';
import { codeOf } from '../fault.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { NewEvent } from '../store/store.ts';
import type { Admission } from './admissions.ts';
import type { Outgoing } from './draft.ts';
import type { EngineContext } from './engine-context.ts';
import type { Partitions } from './partitions.ts';
import type { SchemaTimeouts } from './schema-timeouts.ts';

/** The dependencies of admission control, provided by the door. */
export interface AdmissionControlMeans {
  readonly engine: EngineContext;
  readonly partitions: Partitions;
  readonly timeouts: SchemaTimeouts;
  /** True if refused events count as rejected; false if they wait elsewhere and are offered again. */
  readonly isCounted: boolean;
  /** Events per pipeline that were admitted and are being validated: they will need room. */
  readonly entering: Map<string, number>;
  /** Throws while the engine accepts nothing. */
  checkOpen(): void;
}

/**
 * Refuses overload (promise 7) in two steps: a call, before any work on it, by its pipeline's backlog; then each of its events, once its
 * key is known, by that key's backlog.
 */
export class AdmissionControl {
  readonly #means: AdmissionControlMeans;

  constructor(means: AdmissionControlMeans) {
    this.#means = means;
  }

  /** Begins a call of `count` events, or throws why not. Each of them must then be admitted or rejected. */
  begin(name: string, count: number): void {
    try {
      this.#means.checkOpen();
      this.#checkRoom(name, count);
    } catch (error) {
      this.#count(name, count);
      throw error;
    }
  }

  /** Returns the number of events for which the backlog has room now. */
  roomFor(name: string): number {
    const { engine, partitions, entering } = this.#means;
    return engine.limits.backlog - partitions.backlog(name) - (entering.get(name) ?? 0);
  }

  /** Counts an event as on its way to the log, if its key has room. Returns false if the key must be loaded into memory to know. */
  enter(pipeline: AnyPipeline, outgoing: Outgoing, wasWarmed = false): boolean {
    const { engine, partitions, checkOpen } = this.#means;
    const { stored } = outgoing;
    try {
      // An asynchronous schema or the store may have taken long.
      checkOpen();
      const isFull = pipeline.key !== undefined && partitions.unsettled(pipeline.name) >= engine.limits.held;
      const admission = partitions.at(stored.partition).arrive(stored.key, stored.number, isFull, wasWarmed);
      if (admission === 'cold') return false;
      if (admission !== 'in') throw this.#refusalOf(pipeline, stored, admission);
      engine.eventLog.expect(outgoing);
      this.#entered(pipeline.name);
      return true;
    } catch (error) {
      return this.reject(pipeline, error);
    }
  }

  /** Admits an event once its key is in memory, along with the keys of others. */
  async enterCold(pipeline: AnyPipeline, outgoing: Outgoing, others: readonly Outgoing[]): Promise<void> {
    const { engine, partitions } = this.#means;
    const { arriving } = engine.memory;
    const bytes = others.reduce((sum, other) => sum + other.bytes, 0);
    arriving.change(bytes);
    try {
      const keys = Map.groupBy(others, ({ stored }) => partitions.at(stored.partition));
      await Promise.all(Array.from(keys, ([partition, own]) => partition.warm(own.map(({ stored }) => stored.key))));
    } catch (error) {
      this.reject(pipeline, error);
    } finally {
      arriving.change(-bytes);
    }
    this.enter(pipeline, outgoing, true);
  }

  /** Counts an event of a begun call as rejected, and throws why. */
  reject({ name }: AnyPipeline, error: unknown): never {
    this.#entered(name);
    this.#count(name, 1);
    if (codeOf(error) === 'MILL_VALIDATION_TIMEOUT') this.#means.timeouts.timedOut(name);
    throw error instanceof MillraceError ? error : new MillraceError('MILL_INTERNAL', messageOf(error), { cause: error });
  }

  /** Withdraws an event of a begun call. @param error the reason, if something failed */
  withdraw({ name }: AnyPipeline, error?: unknown): void {
    this.#entered(name);
    if (codeOf(error) === 'MILL_VALIDATION_TIMEOUT') this.#means.timeouts.timedOut(name);
  }

  /** Notes that a pipeline's asynchronous schema has answered. */
  answered({ name }: AnyPipeline): void {
    this.#means.timeouts.answered(name);
  }

  #checkRoom(name: string, count: number): void {
    const { engine, partitions, entering: underWay } = this.#means;
    const { backlog, deliveries } = engine.limits;
    const refusal = partitions.refusal(name);
    if (refusal !== undefined) throw refusal;
    if (engine.memory.arriving.isSpent) throw memoryFull(name);
    if (partitions.counters(name).deliveries >= deliveries) {
      const message = `pipeline ${name}: the limit of ${deliveries} deliveries without an outcome is reached`;
      throw new MillraceError('MILL_BACKLOG_FULL', message, { retryAfterMs: 5_000 });
    }
    const entering = (underWay.get(name) ?? 0) + count;
    if (partitions.backlog(name) + entering > backlog) {
      const advice = count > backlog ? `a batch of ${count} never fits: send fewer at once` : `there is no room for ${count} more`;
      const message = `pipeline ${name}: at most ${backlog} events may wait; ${advice}`;
      throw new MillraceError('MILL_BACKLOG_FULL', message, { retryAfterMs: 1_000 });
    }
    underWay.set(name, entering);
  }

  #refusalOf({ name, order }: AnyPipeline, { key, number }: NewEvent, admission: Admission): MillraceError {
    const { limits } = this.#means.engine;
    if (admission === 'too early') {
      const message = `key ${key}: expected a number at most ${order?.jumpMax} (gap.maxJump) beyond the next one, found ${number}`;
      return new MillraceError('MILL_EVENT_TOO_EARLY', message);
    }
    if (admission === 'key is full') {
      const pendingMax = order?.pendingMax ?? limits.pendingPerKey;
      return new MillraceError('MILL_KEY_FULL', `key ${key}: ${pendingMax} events already wait for it`, { retryAfterMs: 5_000 });
    }
    const awaited = number === null ? 'a retry or an operator' : 'lower numbers';
    const message = `pipeline ${name}: the limit of ${limits.held} unsettled events (held) is reached, and key ${key} waits for ${awaited}`;
    return new MillraceError('MILL_BACKLOG_FULL', message, { retryAfterMs: 5_000 });
  }

  #entered(pipeline: string): void {
    const { entering } = this.#means;
    entering.set(pipeline, (entering.get(pipeline) ?? 0) - 1);
  }

  #count(pipeline: string, refused: number): void {
    if (this.#means.isCounted) this.#means.partitions.counters(pipeline).count('rejected', refused);
  }
}

function memoryFull(pipeline: string): MillraceError {
  const message = `pipeline ${pipeline}: events on their way to the log use up their share of memory; try again later`;
  return new MillraceError('MILL_MEMORY_FULL', message, { retryAfterMs: 1_000 });
}
