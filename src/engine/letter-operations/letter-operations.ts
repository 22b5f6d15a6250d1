import { MillraceError } from '../../errors.ts';
import { faultFields, faultOf } from '../../fault.ts';
import type { DeadLetterFilter, OperationQuery, StoredOperation } from '../../store/store.ts';
import type { Audit } from '../audit.ts';
import type { DeadLetters } from '../dead-letters.ts';
import type { DeclaredPipelines } from '../declared-pipelines.ts';
import type { EngineContext } from '../engine-context.ts';
import type { EngineState } from '../engine-state.ts';
import type { AskedOperation, ByWhom, Operation } from '../mill-options.ts';
import type { Partition } from '../partition.ts';
import type { Partitions } from '../partitions.ts';
import { OperationRun } from './operation-run.ts';

/** The dependencies for operations on many dead letters, provided by the engine. */
export interface LetterOperationsMeans {
  readonly engine: EngineContext;
  readonly state: EngineState;
  readonly declared: DeclaredPipelines;
  readonly partitions: Partitions;
  readonly deadLetters: DeadLetters;
  readonly audit: Audit;
}

/** Default time in which an operation can be undone. In milliseconds. */
const startAfterMsDefault = 5_000;
/** Interval at which an engine of a fleet looks for operations that others have accepted, and its delay after a failure. */
const lookEveryMs = 1_000;
const openMax = 100;
const limitDefault = 100;
/** Time after its end during which a redrive counts renewed failures. */
const failingAgainMs = 3_600_000;

/**
 * Operators' actions on many dead letters of a pipeline, kept in the store as operations. Any engine accepts one. The owner of the
 * pipeline's first slice carries it out (`operation-run.ts`), and whoever takes that slice over continues it.
 *
 * | from | by | to |
 * |---|---|---|
 * | `starting` | its moment, of its runner | `running` |
 * | `starting` | `undo`, `stop` | `undone` |
 * | `running` | its last letter | `ended` |
 * | `running` | `stop` | `stopped` |
 *
 * The store makes each of these transitions only from its starting state, so that only one of two engines succeeds.
 */
export class LetterOperations {
  readonly #means: LetterOperationsMeans;
  readonly #underWay = new Map<string, OperationRun>();
  #disarm: (() => void) | undefined;
  /** The time of its next look, in elapsed time. */
  #lookAt = Number.POSITIVE_INFINITY;
  #isClosed = false;

  constructor(means: LetterOperationsMeans) {
    this.#means = means;
    for (const pipeline of means.declared.byName.keys()) this.#home(pipeline)?.whenTaken(() => void this.#look());
  }

  /** Resumes operations that have begun. */
  start(): void {
    void this.#look();
  }

  close(): void {
    this.#isClosed = true;
    this.#disarm?.();
    for (const run of this.#underWay.values()) run.close();
  }

  /** Accepts an operation. Returns it as stored. */
  async begin({ action, filter, startAfterMs = startAfterMsDefault }: AskedOperation, by: ByWhom): Promise<Operation> {
    const { engine, state, declared, audit } = this.#means;
    state.checkWorking();
    const { pipeline, ...others } = filter;
    const { name } = declared.get(pipeline);
    const id = engine.newId();
    const askedAt = engine.clock.now();
    const entry = audit.entry(by, { action: `${action} letters`, pipeline: name, key: filter.key, subject: id });
    const operation: StoredOperation = {
      ...{ id, action, pipeline: name, filter: others, who: entry?.who ?? null, reason: entry?.reason ?? null },
      ...{ askedAt, startsAt: askedAt + startAfterMs, state: 'starting', begunAt: null, endedAt: null },
      ...{ matched: 0, upTo: null, reached: '', done: 0, refused: 0 },
    };
    await engine.store.operations.add(operation, entry);
    this.#lookSoon(startAfterMs);
    return this.#toOperation(operation);
  }

  /** Returns operations, latest first. */
  async list(query: Partial<OperationQuery>): Promise<readonly Operation[]> {
    this.#means.state.checkWorking();
    const stored = await this.#means.engine.store.operations.list({ ...query, limit: query.limit ?? limitDefault });
    return Promise.all(stored.map((operation) => this.#toOperation(operation)));
  }

  /** Calls off an operation that has not begun. Throws `MILL_CONFLICT` once it has. */
  async undo(id: string, by: ByWhom): Promise<Operation> {
    const { state } = await this.#stored(id);
    if (state !== 'starting') throw new MillraceError('MILL_CONFLICT', `operation ${id}: cannot be undone, because it is ${state}`);
    return this.#end(id, by, 'undo');
  }

  /** Interrupts an operation; what it has done stays done. Throws `MILL_CONFLICT` once it is over. */
  stop(id: string, by: ByWhom): Promise<Operation> {
    return this.#end(id, by, 'stop');
  }

  async #end(id: string, by: ByWhom, action: 'undo' | 'stop'): Promise<Operation> {
    const { engine, audit } = this.#means;
    for (;;) {
      const operation = await this.#stored(id);
      const { state, reached, pipeline } = operation;
      const isOver = state !== 'starting' && (state !== 'running' || action === 'undo');
      if (isOver)
        throw new MillraceError(
          'MILL_CONFLICT',
          `operation ${id}: cannot be ${action === 'undo' ? 'undone' : 'stopped'}, because it is ${state}`,
        );
      const entry = audit.entry(by, { action: `${action} operation`, pipeline, subject: id });
      const change = { state: state === 'starting' ? 'undone' : 'stopped', endedAt: engine.clock.now() } as const;
      // Its runner may have progressed meanwhile.
      if (await engine.store.operations.change(id, { state, reached }, change, entry)) return this.#toOperation(await this.#stored(id));
    }
  }

  async #stored(id: string): Promise<StoredOperation> {
    const { engine, state } = this.#means;
    state.checkWorking();
    const [found] = await engine.store.operations.list({ id, limit: 1 });
    if (found !== undefined) return found;
    throw new MillraceError('MILL_NOT_FOUND', `expected the id of an operation, found ${id}`);
  }

  async #toOperation({ reached: _, upTo, ...operation }: StoredOperation): Promise<Operation> {
    const { filter, pipeline, state, begunAt, endedAt, matched, done, refused } = operation;
    const { store } = this.#means.engine;
    const isOver = state === 'ended' || state === 'undone';
    const again: DeadLetterFilter = { ...filter, pipeline, from: begunAt ?? 0, ...(endedAt !== null && { to: endedAt + failingAgainMs }) };
    // Of the letters that existed when it began, none failed again.
    const before = upTo === null ? 0 : (await store.countDeadLetters({ ...again, upTo })).count;
    const failedAgain = begunAt === null || operation.action === 'discard' ? 0 : (await store.countDeadLetters(again)).count - before;
    return { ...operation, filter: { ...filter, pipeline }, left: isOver ? 0 : Math.max(0, matched - done - refused), failedAgain };
  }

  /** Returns the partition whose owner carries out the operations of a pipeline. */
  #home(pipeline: string): Partition | undefined {
    return this.#means.partitions.of(pipeline)[0];
  }

  /** Looks again after `afterMs` at the latest. In a fleet other engines may accept operations. */
  #lookSoon(afterMs: number): void {
    const { clock } = this.#means.engine;
    const lookAt = clock.elapsedMs() + afterMs;
    if (this.#isClosed || lookAt >= this.#lookAt) return;
    this.#disarm?.();
    this.#lookAt = lookAt;
    this.#disarm = clock.after(afterMs, () => {
      this.#lookAt = Number.POSITIVE_INFINITY;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    const { engine, state, declared } = this.#means;
    if (this.#isClosed || !state.isWorking) return;
    let isAgain = engine.store.leaseMs !== undefined;
    try {
      const now = engine.clock.now();
      for (const operation of await engine.store.operations.list({ isOpen: true, limit: openMax })) {
        const { id, pipeline, startsAt } = operation;
        if (!declared.byName.has(pipeline) || this.#home(pipeline)?.isOurs !== true || this.#underWay.has(id)) continue;
        if (operation.state === 'starting' && startsAt > now) this.#lookSoon(startsAt - now);
        else void this.#run(operation);
      }
    } catch (error) {
      isAgain = true;
      engine.log.debug(faultFields(faultOf(error)), 'operations cannot be read from the store now');
    }
    if (isAgain) this.#lookSoon(lookEveryMs);
  }

  async #run(operation: StoredOperation): Promise<void> {
    const { engine, deadLetters } = this.#means;
    const { id, pipeline } = operation;
    const run = new OperationRun({
      store: engine.store,
      clock: engine.clock,
      resolve: (letters, asked) => deadLetters.resolveFor(letters, asked),
    });
    this.#underWay.set(id, run);
    try {
      await run.run(operation);
      engine.log.info({ pipeline, operation: id, action: operation.action }, 'an operation on dead letters is over');
    } catch (error) {
      if (!this.#isClosed)
        engine.log.warn({ pipeline, operation: id, ...faultFields(faultOf(error)) }, 'an operation on dead letters will continue later');
      this.#lookSoon(lookEveryMs);
    } finally {
      this.#underWay.delete(id);
    }
  }
}
