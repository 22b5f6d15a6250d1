import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { PartitionId, Store } from '../store/store.ts';
import type { Partitions } from './partitions.ts';
import type { ReadOptions, Reads } from './reads.ts';
import type { ToldItem } from './timeline-items.ts';
import { TimelineWalk } from './timeline-walk.ts';

/** Something that happened to a key. */
export interface TimelineItem {
  readonly id: string;
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly durationMs?: number;
  readonly kind: ToldItem['kind'] | 'operator';
  /** The id of the item or event that it came from. */
  readonly causedBy?: string;
  /** What items share that committed together; null for what an operator did. */
  readonly commit: string | null;
  readonly [fact: string]: unknown;
}

/** Where a page begins: blocks below one, those that the chain goes on with, and the audit before an entry. */
export interface TimelinePlace {
  readonly before: number;
  readonly chain: readonly number[];
  readonly audit: string | null;
}

export interface TimelinePage {
  /** The newest first. Those of a commit stand on one page, which may have more than its limit because of that. */
  readonly items: readonly TimelineItem[];
  /** Where the next page begins; absent on the last. */
  readonly next?: TimelinePlace;
  /** What happened up to this moment is forgotten, in milliseconds since 1970; absent where nothing is known to be. */
  readonly prunedBefore?: number;
}

/** What reading timelines takes; the engine provides it. */
export interface TimelineReaderMeans {
  readonly store: Pick<Store, 'blocksOfKey' | 'block' | 'audit'>;
  readonly reads: Reads;
  readonly partitions: Partitions;
}

/** Reads what happened to a key: follows its chain of blocks, and merges in what operators did. */
export class TimelineReader {
  readonly #means: TimelineReaderMeans;

  constructor(means: TimelineReaderMeans) {
    this.#means = means;
  }

  /** Reads a page, the newest first. */
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
