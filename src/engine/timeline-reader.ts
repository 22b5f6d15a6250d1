import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { PartitionId, Store } from '../store/store.ts';
import type { Partitions } from './partitions.ts';
import type { ReadOptions, Reads } from './reads.ts';
import type { TimelinePage, TimelinePlace } from './timeline-page.ts';
import { TimelineWalk } from './timeline-walk.ts';

/** The dependencies for reading timelines, provided by the engine. */
export interface TimelineReaderMeans {
  readonly store: Pick<Store, 'blocksOfKey' | 'block' | 'audit'>;
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
    for (let block = walk.next(); block !== undefined; block = walk.next())
      walk.take(block, await store.block(partition, block, { signal }));
    return walk.page();
  }
}
