import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { AuditEntry, PartitionId, Store } from '../store/store.ts';
import type { Partitions } from './partitions.ts';
import type { ReadOptions, Reads } from './reads.ts';
import { findLine, type ToldItem } from './timeline-items.ts';

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

/** UTF-16 units of blocks that are read for one page. */
const charactersMax = 16 * 1024 * 1024;

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
    { limit, place }: { readonly limit: number; readonly place?: TimelinePlace | undefined },
    reading: ReadOptions,
  ): Promise<TimelinePage> {
    const { reads, partitions } = this.#means;
    const { id } = partitions.ofKey(pipeline.name, key);
    return reads.run(
      reading,
      (signal) => this.#page(id, key, limit, place, signal),
      () => 0,
    );
  }

  async #page(
    partition: PartitionId,
    key: string,
    limit: number,
    place: TimelinePlace | undefined,
    signal: AbortSignal,
  ): Promise<TimelinePage> {
    const { store } = this.#means;
    const { pipeline } = partition;
    let before = place?.before ?? Number.MAX_SAFE_INTEGER;
    const named = await store.blocksOfKey(partition, key, { before, limit: limit + 1 }, { signal });
    const waiting = new Set([...named.filter((block) => block < before), ...(place?.chain ?? [])]);
    const audit = [...(await store.audit({ pipeline, key, limit: limit + 1, ...(place?.audit && { before: place.audit }) }, { signal }))];
    const items: TimelineItem[] = [];
    let auditBefore = place?.audit ?? null;
    let prunedBefore: number | undefined;
    const takeAudit = (after: number) => {
      for (let [entry] = audit; entry !== undefined && entry.at > after && items.length < limit; [entry] = audit) {
        items.push(ofOperator(entry));
        auditBefore = entry.id;
        audit.shift();
      }
    };
    for (let left = charactersMax; waiting.size > 0 && left > 0; ) {
      const block = Math.max(...waiting);
      takeAudit(block);
      if (items.length >= limit) break;
      waiting.delete(block);
      before = block;
      const text = await store.block(partition, block, { signal });
      const line = text === null ? undefined : findLine(text, key);
      if (text === null) prunedBefore = Math.max(prunedBefore ?? 0, block + 1);
      left -= text?.length ?? 0;
      if (line === undefined) continue;
      // Only downwards, so that the walk ends whatever a block says.
      if (line.before !== null && line.before < block) waiting.add(line.before);
      for (const [at, told] of Array.from(line.items.entries()).toReversed()) items.push(toItem(block, at, told));
    }
    if (waiting.size === 0) takeAudit(Number.NEGATIVE_INFINITY);
    const isLast = waiting.size === 0 && audit.length === 0;
    return {
      items,
      ...(!isLast && { next: { before, chain: Array.from(waiting), audit: auditBefore } }),
      ...(prunedBefore !== undefined && { prunedBefore }),
    };
  }
}

function toItem(block: number, place: number, { kind, at, durationMs, of, ...facts }: ToldItem): TimelineItem {
  const causedBy = of === undefined ? facts.event : `${block}.${of}`;
  return {
    id: `${block}.${place}`,
    at,
    ...(durationMs !== undefined && { durationMs }),
    kind,
    ...(causedBy !== undefined && { causedBy }),
    commit: String(block),
    ...facts,
  };
}

function ofOperator({ id, at, who, action, subject, reason }: AuditEntry): TimelineItem {
  return { id, at, kind: 'operator', commit: null, who, action, subject, reason };
}
