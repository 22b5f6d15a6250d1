import type { NewDeadLetter } from './dead-letters.ts';
import type { Appended, NewEvent } from './events.ts';

/** A partition of a topic of a broker, as one pipeline reads it. */
export interface SourcePartition {
  readonly pipeline: string;
  /** The name of the inlet, such as `kafka:orders`. */
  readonly source: string;
  /** What tells the topic from another one of the same name, created before or after it. */
  readonly topicId: string;
  readonly partition: number;
}

/** Where a partition of a topic is read on. */
export interface SourceOffset extends SourcePartition {
  /** The offset of the first record that was not taken yet. */
  readonly next: number;
}

/**
 * What becomes of a record, or of a part of one: an event of its pipeline, or a dead letter of the partition under whose lease it is taken, which
 * is of that pipeline. Where the event can be `late`, it says which dead letter it is then.
 */
export type SourceTaking = { readonly event: NewEvent; readonly late?: NewDeadLetter | undefined } | { readonly letter: NewDeadLetter };

/** The records of a partition from one offset up to another, the latter excluded. */
export interface SourceBatch extends Omit<SourceOffset, 'next'> {
  /** What the store must have as the partition's offset; null: it must have none. */
  readonly expected: number | null;
  /** What it has afterwards. */
  readonly next: number;
  readonly takings: readonly SourceTaking[];
}

/** As by `append`; `buried`: it is a dead letter. An event that is `late` is one, too, where its taking said which. */
export type SourceTaken = Appended | { readonly status: 'buried' };

/**
 * - `taken`: all of the batch is stored, one answer for each taking, in order.
 * - `moved`: the store has another offset than was expected, since another process has read on. Nothing was stored.
 */
export type BatchTaken = { readonly status: 'taken'; readonly taken: readonly SourceTaken[] } | { readonly status: 'moved' };
