import type { ToldItem } from './timeline-items.ts';

/** An item of a key's history. */
export interface TimelineItem {
  readonly id: string;
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly durationMs?: number;
  readonly kind: ToldItem['kind'] | 'operator';
  /** The id of the item or event that caused it. */
  readonly causedBy?: string;
  /** Shared by items that committed together; null for an operator's action. */
  readonly commit: string | null;
  readonly [fact: string]: unknown;
}

/** The start of a page: blocks below one, those that continue the chain, and the audit before an entry. */
export interface TimelinePlace {
  readonly before: number;
  readonly chain: readonly number[];
  readonly audit: string | null;
}

export interface TimelinePage {
  /** The newest first. Items of one commit share a page, which may exceed its limit because of that. */
  readonly items: readonly TimelineItem[];
  /** The start of the next page; absent on the last. */
  readonly next?: TimelinePlace;
  /** History up to this moment is deleted, in milliseconds since 1970; absent if none is known to be. */
  readonly prunedBefore?: number;
}
