import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { KeyRecord, PartitionId, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { within } from './deadline.ts';
import type { Leftover } from './leftovers/leftover.ts';
import type { KeyStatus } from './mill-options.ts';
import { isOutcome } from './outbox/outcome.ts';
import type { Partition } from './partition.ts';
import type { Partitions } from './partitions.ts';
import { readState } from './state.ts';

/** What reading keys takes; the engine provides it. */
export interface KeyReaderMeans {
  readonly store: Pick<Store, 'load' | 'deadLetters' | 'deliveryNames'>;
  readonly clock: Clock;
  readonly partitions: Partitions;
  readonly provenStates: ReadonlySet<string>;
  leftovers(): readonly Leftover[];
}

/**
 * Reads what is committed of keys. Each reading waits up to `waitMs` for the events that were accepted before it, so that callers
 * see their own writes.
 */
export class KeyReader {
  readonly #means: KeyReaderMeans;

  constructor(means: KeyReaderMeans) {
    this.#means = means;
  }

  /** Returns the state of a key, undefined where there is none. */
  async state(pipeline: AnyPipeline, key: string, waitMs: number): Promise<unknown> {
    const { partitions, provenStates, store } = this.#means;
    const partition = partitions.ofKey(pipeline.name, key);
    await this.#isCaughtUp(partition, [key], waitMs);
    const [record] = await store.load(partition.id, [key]);
    return readState(pipeline, record?.state ?? null, provenStates.has(pipeline.name));
  }

  /** Returns how keys stand, in the order asked. */
  async statuses({ name: pipeline }: AnyPipeline, keys: readonly string[], waitMs: number): Promise<readonly KeyStatus[]> {
    const { partitions, store } = this.#means;
    const statuses = new Map<string, KeyStatus>();
    for (const [partition, own] of Map.groupBy(keys, (key) => partitions.ofKey(pipeline, key))) {
      await this.#isCaughtUp(partition, own, waitMs);
      for (const [at, record] of (await store.load(partition.id, own)).entries()) {
        const key = own[at] as string;
        statuses.set(key, statusOf(key, record));
      }
    }
    return keys.map((key) => statuses.get(key) as KeyStatus);
  }

  /**
   * Returns whether the store knows anything of a key: a record, events that wait, timers, dead letters or deliveries. Of settled
   * events nothing may be left. True as well when the wait ends before it is known what the events under way leave.
   */
  async knows(pipeline: AnyPipeline, key: string, waitMs: number): Promise<boolean> {
    const { partitions, store } = this.#means;
    const partition = partitions.ofKey(pipeline.name, key);
    if (waitMs > 0 && !(await this.#isCaughtUp(partition, [key], waitMs))) return true;
    const [record] = await store.load(partition.id, [key]);
    if (record !== undefined && !isEmpty(record)) return true;
    const letters = await store.deadLetters({ pipeline: pipeline.name, key, limit: 1 });
    return letters.length > 0 || this.#hasDeliveries(partition.id, this.#endpointsOf(pipeline), key);
  }

  /** Waits for what was accepted of keys before; resolves to whether it is settled or waits for its key by now. */
  async #isCaughtUp(partition: Partition, keys: readonly string[], waitMs: number): Promise<boolean> {
    return partition.isCaughtUp(keys) || within(this.#means.clock, waitMs, (deadline) => partition.caughtUp(deadline, keys));
  }

  async #hasDeliveries(partition: PartitionId, endpoints: readonly string[], key: string): Promise<boolean> {
    const deliveries = await Promise.all(endpoints.map((endpoint) => this.#means.store.deliveryNames(partition, endpoint, 1, key)));
    return deliveries.some((names) => names.length > 0);
  }

  /** The endpoints that deliveries of a pipeline may wait for: those that it declares, and those that it no longer does. */
  #endpointsOf({ name, deliver }: AnyPipeline): readonly string[] {
    const gone = this.#means.leftovers().flatMap((one) => (one.gone === 'endpoint' && one.pipeline === name ? [one.endpoint] : []));
    return [...Object.keys(deliver), ...gone];
  }
}

function statusOf(key: string, { parked, held, next, timers }: KeyRecord): KeyStatus {
  const declared = timers.filter(({ name }) => !isOutcome(name)).map(({ name, dueAt }) => ({ name, dueAt }));
  return { key, status: parked ? 'parked' : 'open', pending: held, next, timers: declared };
}

function isEmpty({ state, next, parked, held, timers }: KeyRecord): boolean {
  return state === null && next === null && !parked && held === 0 && timers.length === 0;
}
