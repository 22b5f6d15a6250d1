import type { ToldItem } from './timeline-items.ts';

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
