import type { NewDeadLetter } from './dead-letters.ts';
import type { Appended, NewEvent } from './events.ts';

/** A partition of a broker's topic, as one pipeline reads it. */
export interface SourcePartition {
  readonly pipeline: string;
  /** The name of the inlet, such as `kafka:orders`. */
  readonly source: string;
  /** Distinguishes the topic from others of the same name, created before or after it. */
  readonly topicId: string;
  readonly partition: number;
}

/** The position from which a topic's partition is read on. */
export interface SourceOffset extends SourcePartition {
  /** The offset of the first record not taken yet. */
  readonly next: number;
}

/**
 * The fate of a record, or of part of one: an event of its pipeline, or a dead letter of the partition whose lease takes it, which belongs
 * to that pipeline. If the event can be `late`, it includes the dead letter for that case.
 */
export type SourceTaking = { readonly event: NewEvent; readonly late?: NewDeadLetter | undefined } | { readonly letter: NewDeadLetter };

/** The records of a partition from one offset up to, but excluding, another. */
export interface SourceBatch extends Omit<SourceOffset, 'next'> {
  /** The partition's offset that the store must have; null: it must have none. */
  readonly expected: number | null;
  /** The offset afterwards. */
  readonly next: number;
  readonly takings: readonly SourceTaking[];
}

/** The results of `append`; `buried`: it is a dead letter. So is a `late` event, if its taking included the letter. */
export type SourceTaken = Appended | { readonly status: 'buried' };

/**
 * - `taken`: the whole batch is stored, with one answer for each taking, in order.
 * - `moved`: the store has another offset than expected, since another process has read on. Nothing was stored.
 */
export type BatchTaken = { readonly status: 'taken'; readonly taken: readonly SourceTaken[] } | { readonly status: 'moved' };
