import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { EventAt, PartitionId, Store } from '../store/store.ts';
import type { Partitions } from './partitions.ts';
import type { ReadOptions, Reads } from './reads.ts';
import { lacksCause, withCauses } from './timeline-causes.ts';
import { factsOf, namelessPosition } from './timeline-items.ts';
import type { TimelineItem, TimelinePage, TimelinePlace } from './timeline-page.ts';
import { TimelineWalk } from './timeline-walk.ts';

/** Maximum number of events looked up in one call. */
const positionsMax = 500;
/** Maximum number of items after a page that are searched for the causes of its items. */
const causesMax = 500;

/** The dependencies for reading timelines, provided by the engine. */
export interface TimelineReaderMeans {
  readonly store: Pick<Store, 'blocksOfKey' | 'block' | 'eventsAt' | 'audit'>;
  readonly reads: Reads;
  readonly partitions: Partitions;
}

/** Reads a key's history: follows its chain of blocks, and merges in operators' actions. */
export class TimelineReader {
  readonly #means: TimelineReaderMeans;

  constructor(means: TimelineReaderMeans) {
    this.#means = means;
  }

  /** Reads a page, newest first. */
  read(
    pipeline: AnyPipeline,
    key: string,
    page: { readonly limit: number; readonly place?: TimelinePlace | undefined },
    reading: ReadOptions,
  ): Promise<TimelinePage> {
    const { reads, partitions } = this.#means;
    const { id } = partitions.ofKey(pipeline.name, key);
    return reads.run(
      reading,
      (signal) => this.#page(id, key, page, signal),
      () => 0,
    );
  }

  async #page(
    partition: PartitionId,
    key: string,
    { limit, place }: { readonly limit: number; readonly place?: TimelinePlace | undefined },
    signal: AbortSignal,
  ): Promise<TimelinePage> {
    const { store } = this.#means;
    const { pipeline } = partition;
    const before = place?.before ?? Number.MAX_SAFE_INTEGER;
    const named = await store.blocksOfKey(partition, key, { before, limit: limit + 1 }, { signal });
    const audit = await store.audit({ pipeline, key, limit: limit + 1, ...(place?.audit && { before: place.audit }) }, { signal });
    const walk = new TimelineWalk(key, { limit, place, named, audit });
    await this.#follow(walk, partition, signal);
    const page = walk.page();
    const earlier = await this.#before(partition, key, page, signal);
    return { ...page, items: withCauses(await this.#named(partition, page.items, signal), earlier) };
  }

  /** Reads the items before a page, back to the causes of those on it. */
  async #before(
    partition: PartitionId,
    key: string,
    { items, next: place }: TimelinePage,
    signal: AbortSignal,
  ): Promise<readonly TimelineItem[]> {
    if (place === undefined || !items.some(lacksCause)) return [];
    const named = await this.#means.store.blocksOfKey(partition, key, { before: place.before, limit: causesMax + 1 }, { signal });
    const walk = new TimelineWalk(key, { limit: causesMax, place, named, audit: [] });
    await this.#follow(walk, partition, signal, () => !withCauses(items, walk.items).some(lacksCause));
    return walk.items;
  }

  async #follow(walk: TimelineWalk, partition: PartitionId, signal: AbortSignal, isEnough = () => false): Promise<void> {
    const { store } = this.#means;
    for (let block = walk.next(); block !== undefined && !isEnough(); block = walk.next())
      walk.take(block, await store.block(partition, block, { signal }));
  }

  /** Adds ids and times to items that only have a log position. Events that the log no longer has get neither. */
  async #named(partition: PartitionId, items: readonly TimelineItem[], signal: AbortSignal): Promise<readonly TimelineItem[]> {
    const byPosition = new Map<number, EventAt>();
    const nameless = new Set(items.flatMap((item) => namelessPosition(item) ?? []));
    while (nameless.size > 0) {
      const positions = Array.from(nameless.values().take(positionsMax));
      for (const event of await this.#means.store.eventsAt(partition, positions, { signal })) byPosition.set(event.position, event);
      for (const position of positions) nameless.delete(position);
    }
    return items.map((item) => {
      const event = byPosition.get(namelessPosition(item) ?? 0);
      return event === undefined ? item : { ...item, causedBy: event.id, ...factsOf(event) };
    });
  }
}
