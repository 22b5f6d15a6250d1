import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { sizeOfRecord, totalOf } from '../store/list-size.ts';
import type { KeyRecord, PartitionId, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { within } from './deadline.ts';
import { standingOf } from './key-standing.ts';
import type { Leftover } from './leftovers/leftover.ts';
import type { KeyStanding, KeyStatus } from './mill-options.ts';
import type { Partition } from './partition.ts';
import type { Partitions } from './partitions.ts';
import type { ReadOptions, Reads } from './reads.ts';
import { readState } from './state.ts';

/** The dependencies for reading keys, provided by the engine. */
export interface KeyReaderMeans {
  readonly store: Pick<Store, 'load' | 'keys' | 'deadLetters' | 'deliveryNames'>;
  readonly clock: Clock;
  readonly reads: Reads;
  readonly partitions: Partitions;
  readonly provenStates: ReadonlySet<string>;
  leftovers(): readonly Leftover[];
}

/** Time that a read waits for earlier events to be handled, in milliseconds. */
export const freshnessMs = 250;

/** The wait for earlier events to be handled, by default {@link freshnessMs}, and the limits of the read after that. */
interface KeyReading extends ReadOptions {
  readonly waitMs?: number | undefined;
}

/** Keys read at once, and UTF-16 units of their states: a few milliseconds' work, so that other callers get their turns in between. */
const keysAtOnce = 500;
const charactersAtOnce = 1024 * 1024;

/**
 * Reads the committed data of keys. Each read waits up to `waitMs` for the events accepted before it, so that callers see their own writes.
 */
export class KeyReader {
  readonly #means: KeyReaderMeans;

  constructor(means: KeyReaderMeans) {
    this.#means = means;
  }

  /** Returns the state of a key, undefined if it has none. */
  async state(pipeline: AnyPipeline, key: string, { waitMs = freshnessMs, ...reading }: KeyReading): Promise<unknown> {
    const { partitions, provenStates } = this.#means;
    const partition = partitions.ofKey(pipeline.name, key);
    await this.#isCaughtUp(partition, [key], waitMs);
    const [record] = await this.#load(
      partition.id,
      [key],
      reading,
      (_, one) => one,
      (records) => totalOf(records, sizeOfRecord),
    );
    return readState(pipeline, record?.state ?? null, provenStates.has(pipeline.name));
  }

  /** Returns the standing of keys, in the order asked. */
  async statuses(
    { name: pipeline, order }: AnyPipeline,
    keys: readonly string[],
    { waitMs = freshnessMs, ...reading }: KeyReading,
  ): Promise<readonly KeyStatus[]> {
    const { partitions } = this.#means;
    const statuses = new Map<string, KeyStatus>();
    for (const [partition, own] of Map.groupBy(keys, (key) => partitions.ofKey(pipeline, key))) {
      await this.#isCaughtUp(partition, own, waitMs);
      const found = await this.#load(partition.id, own, reading, (key, record) => ({ ...record, key, state: null }));
      const retried = await this.#retried(partition.id, found, reading);
      for (const record of found) {
        const status = standingOf(order, { ...record, isRetried: retried.has(record.key) });
        statuses.set(record.key, toStatus(record, status));
      }
    }
    return keys.map((key) => statuses.get(key) as KeyStatus);
  }

  /**
   * Returns whether the store knows anything about a key: a record, waiting events, timers, outcomes, dead letters or deliveries. Settled
   * events may leave nothing. Also true if the wait ends before the outcome of events under way is known.
   */
  async knows(pipeline: AnyPipeline, key: string, { waitMs = freshnessMs, ...reading }: KeyReading): Promise<boolean> {
    const { partitions, store, reads } = this.#means;
    const partition = partitions.ofKey(pipeline.name, key);
    if (waitMs > 0 && !(await this.#isCaughtUp(partition, [key], waitMs))) return true;
    const [record] = await this.#load(partition.id, [key], reading, (_, one) => one);
    if (record !== undefined && !isEmpty(record)) return true;
    const letters = await reads.run(
      reading,
      (signal) => store.deadLetters({ pipeline: pipeline.name, key, limit: 1 }, { signal }),
      () => 0,
    );
    return letters.length > 0 || this.#hasDeliveries(partition.id, this.endpointsOf(pipeline), key);
  }

  /** Waits for events of the keys accepted before; resolves to whether they are settled or waiting for their key by now. */
  async #isCaughtUp(partition: Partition, keys: readonly string[], waitMs: number): Promise<boolean> {
    return partition.isCaughtUp(keys) || within(this.#means.clock, waitMs, (deadline) => partition.caughtUp(deadline, keys));
  }

  /**
   * Makes one read for the caller, with one deadline for all of the keys. Keeps only what `pick` returns of a record: the states of many
   * keys may be large.
   */
  #load<T>(
    partition: PartitionId,
    keys: readonly string[],
    reading: ReadOptions,
    pick: (key: string, record: KeyRecord) => T,
    sizeOf: (picked: readonly T[]) => number = () => 0,
  ): Promise<readonly T[]> {
    const { reads, store } = this.#means;
    return reads.run(
      reading,
      async (signal) => {
        const picked: T[] = [];
        while (picked.length < keys.length && !signal.aborted) {
          const asked = keys.slice(picked.length, picked.length + keysAtOnce);
          const records = await store.load(partition, asked, { signal, charactersMax: charactersAtOnce });
          for (const [at, record] of records.entries()) picked.push(pick(asked[at] as string, record));
        }
        return picked;
      },
      sizeOf,
    );
  }

  /** Returns the keys with something that failed and will be retried. */
  async #retried(partition: PartitionId, records: readonly RecordOfKey[], reading: ReadOptions): Promise<ReadonlySet<string>> {
    const { store, reads } = this.#means;
    const isRetried = ({ timers, outcomes }: RecordOfKey) => [...timers, ...outcomes].some(({ attempts }) => attempts > 0);
    const retried = new Set(records.filter(isRetried).map(({ key }) => key));
    const inDoubt = records.filter(({ key, held, parked }) => held > 0 && !parked && !retried.has(key));
    if (inDoubt.length === 0) return retried;
    const summaries = await reads.run(
      reading,
      (signal) => Promise.all(inDoubt.map(({ key }) => store.keys(partition, { prefix: key, limit: 1 }, { signal }))),
      () => 0,
    );
    for (const { key, isRetried } of summaries.flat()) if (isRetried) retried.add(key);
    return retried;
  }

  async #hasDeliveries(partition: PartitionId, endpoints: readonly string[], key: string): Promise<boolean> {
    const deliveries = await Promise.all(endpoints.map((endpoint) => this.#means.store.deliveryNames(partition, endpoint, 1, key)));
    return deliveries.some((names) => names.length > 0);
  }

  /** Returns the endpoints that a pipeline's deliveries may wait for: those it declares, and those it no longer does. */
  endpointsOf({ name, deliver }: AnyPipeline): readonly string[] {
    const gone = this.#means.leftovers().flatMap((one) => (one.gone === 'endpoint' && one.pipeline === name ? [one.endpoint] : []));
    return [...Object.keys(deliver), ...gone];
  }
}

type RecordOfKey = KeyRecord & { readonly key: string };

function toStatus({ key, held, next, timers }: RecordOfKey, status: KeyStanding): KeyStatus {
  const armed = timers.map(({ name, dueAt }) => ({ name, dueAt }));
  return { key, status, pending: held, next, timers: armed };
}

function isEmpty({ state, next, parked, held, timers, outcomes }: KeyRecord): boolean {
  return state === null && next === null && !parked && held + timers.length + outcomes.length === 0;
}
