import type { KeyRecord, PartitionId, Store } from '../store/store.ts';

/** What a key is looked for in. */
export interface KeyPlace {
  readonly store: Pick<Store, 'load' | 'deadLetters' | 'deliveryNames'>;
  readonly partition: PartitionId;
  /** Endpoints that deliveries of the pipeline may wait for. */
  readonly endpoints: Iterable<string>;
}

/** Whether the store knows anything of a key: a record, events that wait, timers, dead letters or deliveries. Of what is settled nothing may be left. */
export async function isKnownKey({ store, partition, endpoints }: KeyPlace, key: string): Promise<boolean> {
  const [record] = await store.load(partition, [key]);
  if (record !== undefined && !isEmpty(record)) return true;
  const letters = await store.deadLetters({ pipeline: partition.pipeline, key, limit: 1 });
  if (letters.length > 0) return true;
  const deliveries = await Promise.all(Array.from(endpoints, (endpoint) => store.deliveryNames(partition, endpoint, 1, key)));
  return deliveries.some((names) => names.length > 0);
}

function isEmpty({ state, next, parked, held, timers }: KeyRecord): boolean {
  return state === null && next === null && !parked && held === 0 && timers.length === 0;
}
