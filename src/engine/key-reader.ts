import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { KeyRecord, PartitionId, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Leftover } from './leftovers/leftover.ts';
import type { KeyStatus } from './mill-options.ts';
import { isOutcome } from './outbox/outcome.ts';
import type { Partitions } from './partitions.ts';
import { readState } from './state.ts';
import { within } from './within.ts';

/** What reading keys takes; the engine provides it. */
export interface KeyReaderMeans {
  readonly store: Pick<Store, 'load' | 'deadLetters' | 'deliveryNames'>;
  readonly clock: Clock;
  readonly partitions: Partitions;
  readonly provenStates: ReadonlySet<string>;
  leftovers(): readonly Leftover[];
}

/** Keys that are read at once, and UTF-16 units of their states: nobody else should wait long behind them. */
const keysAtOnce = 500;
const charactersAtOnce = 1024 * 1024;

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
    const { clock, partitions, provenStates, store } = this.#means;
    const partition = partitions.ofKey(pipeline.name, key);
    await within(clock, waitMs, partition.caughtUp([key]));
    const [record] = await store.load(partition.id, [key]);
    return readState(pipeline, record?.state ?? null, provenStates.has(pipeline.name));
  }

  /** Returns how keys stand, in the order asked. */
  async statuses({ name: pipeline }: AnyPipeline, keys: readonly string[], waitMs: number): Promise<readonly KeyStatus[]> {
    const { clock, partitions, store } = this.#means;
    const statuses = new Map<string, KeyStatus>();
    for (const [partition, own] of Map.groupBy(keys, (key) => partitions.ofKey(pipeline, key))) {
      await within(clock, waitMs, partition.caughtUp(own));
      for (let from = 0; from < own.length; ) {
        const records = await store.load(partition.id, own.slice(from, from + keysAtOnce), charactersAtOnce);
        for (const [at, record] of records.entries()) {
          const key = own[from + at] as string;
          statuses.set(key, statusOf(key, record));
        }
        from += records.length;
      }
    }
    return keys.map((key) => statuses.get(key) as KeyStatus);
  }

  /**
   * Returns whether the store knows anything of a key: a record, events that wait, timers, dead letters or deliveries. Of settled
   * events nothing may be left. True as well when the wait ends before it is known what the events under way leave.
   */
  async knows(pipeline: AnyPipeline, key: string, waitMs: number): Promise<boolean> {
    const { clock, partitions, store } = this.#means;
    const partition = partitions.ofKey(pipeline.name, key);
    if (waitMs > 0 && !(await within(clock, waitMs, partition.caughtUp([key])))) return true;
    const [record] = await store.load(partition.id, [key]);
    if (record !== undefined && !isEmpty(record)) return true;
    const letters = await store.deadLetters({ pipeline: pipeline.name, key, limit: 1 });
    return letters.length > 0 || this.#hasDeliveries(partition.id, this.#endpointsOf(pipeline), key);
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
