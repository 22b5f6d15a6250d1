import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { sizeOfAll, sizeOfEvent } from '../store/list-size.ts';
import type { DeliveryOfKey, HeldEvent, PartitionId, Store } from '../store/store.ts';
import type { KeyReader } from './key-reader.ts';
import type { Freshness, HeldByKey, HeldReason, KeyDetails, KeyStanding } from './mill-options.ts';
import { parkingLetter } from './parking-letter.ts';
import type { Partitions } from './partitions.ts';
import type { ReadOptions, Reads } from './reads.ts';

/** The dependencies for reading one key in full, provided by the engine. */
export interface KeyDetailsMeans {
  readonly store: Pick<Store, 'held' | 'deadLetters' | 'deliveriesOfKey'>;
  readonly reads: Reads;
  readonly partitions: Partitions;
  readonly keys: KeyReader;
}

/** Maximum events and deliveries of a key shown, and UTF-16 units of the events. */
const shownMax = 20;
const charactersMax = 1024 * 1024;

/**
 * Reads everything shown about one key, in a bounded answer. Only its deliveries may cost more the more there are: a database server sorts
 * the names of those of one key.
 */
export class KeyDetailsReader {
  readonly #means: KeyDetailsMeans;

  constructor(means: KeyDetailsMeans) {
    this.#means = means;
  }

  /** Returns undefined for an unknown key. As fresh as a state. */
  async read(pipeline: AnyPipeline, key: string, { waitMs, ...reading }: Freshness): Promise<KeyDetails | undefined> {
    const { keys, partitions } = this.#means;
    const [status] = await keys.statuses(pipeline, [key], { waitMs, ...reading });
    if (status === undefined || !(await keys.knows(pipeline, key, { waitMs, ...reading }))) return undefined;
    const { id } = partitions.ofKey(pipeline.name, key);
    const [state, held, parkedBy, deliveries] = await Promise.all([
      keys.state(pipeline, key, { ...reading, waitMs: 0 }),
      this.#held(id, key, status.status, reading),
      status.status === 'parked' ? this.#parkedBy(pipeline.name, key, reading) : null,
      this.#deliveries(id, keys.endpointsOf(pipeline), { key, reading }),
    ]);
    return { ...status, state: state ?? null, parkedBy, held, deliveries };
  }

  async #held(partition: PartitionId, key: string, standing: KeyStanding, reading: ReadOptions): Promise<readonly HeldByKey[]> {
    const { reads, store } = this.#means;
    const held = await reads.run(
      reading,
      (signal) => store.held(partition, key, 0, shownMax, { signal, charactersMax }),
      (found) => sizeOfAll(found, sizeOfEvent),
    );
    return held.map((event, at) => {
      const { id, number, acceptedAt, attempts, retryAt, body } = event;
      return { id, number, acceptedAt, reason: reasonOf(standing, event, at), attempts, retryAt, event: JSON.parse(body) };
    });
  }

  async #parkedBy(pipeline: string, key: string, reading: ReadOptions): Promise<KeyDetails['parkedBy']> {
    const { reads, store } = this.#means;
    const parking = await reads.run(
      reading,
      (signal) => parkingLetter((query) => store.deadLetters(query, { signal }), { pipeline, key }),
      () => 0,
    );
    return parking === undefined ? null : { deadLetter: parking.id, reason: parking.reason };
  }

  async #deliveries(
    partition: PartitionId,
    endpoints: readonly string[],
    { key, reading }: { readonly key: string; readonly reading: ReadOptions },
  ): Promise<readonly DeliveryOfKey[]> {
    const { reads, store } = this.#means;
    const found = await reads.run(
      reading,
      (signal) => Promise.all(endpoints.map((endpoint) => store.deliveriesOfKey(partition, endpoint, key, shownMax, { signal }))),
      () => 0,
    );
    return found
      .flat()
      .sort((a, b) => a.askedAt - b.askedAt)
      .slice(0, shownMax);
  }
}

function reasonOf(standing: KeyStanding, { attempts }: Pick<HeldEvent, 'attempts'>, at: number): HeldReason {
  if (standing === 'parked') return 'parked';
  if (standing === 'waiting') return 'number';
  if (at > 0) return 'order';
  return attempts > 0 ? 'retry' : 'turn';
}
