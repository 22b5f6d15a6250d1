/** A slice of one pipeline's keys, read by one owner at a time. */
export interface PartitionId {
  readonly pipeline: string;
  /** 0 to `Store.partitions` − 1. */
  readonly slice: number;
}

export interface NewEvent {
  readonly partition: PartitionId;
  readonly key: string;
  readonly id: string;
  /**
   * Where somebody chose the id: another event with it, accepted at this moment (milliseconds since 1970) or later, makes
   * this one a duplicate. Null where nobody did; such an id need not be remembered. Null beside a number.
   */
  readonly knownSince: number | null;
  /** The event's own number in a numbered pipeline, otherwise null. */
  readonly number: number | null;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** The parsed event as JSON. */
  readonly body: string;
  /** What the event is part of, in the form of W3C Trace Context; null for nothing. */
  readonly traceparent: string | null;
  /** What a source made the event from, such as a row of a table, as JSON; null for an event of a caller or a turn. */
  readonly origin: string | null;
}

/**
 * - `accepted`: it is in the log.
 * - `duplicate`: its chosen id is known, or its number is applied or held for its key. Nothing was stored.
 * - `late`: its number was skipped (a dead letter of a gap). Nothing was stored.
 */
export type Appended = { readonly status: 'accepted'; readonly position: number } | { readonly status: 'duplicate' | 'late' };

export interface LoggedEvent {
  readonly position: number;
  readonly key: string;
  readonly id: string;
  readonly number: number | null;
  readonly acceptedAt: number;
  readonly body: string;
  readonly traceparent: string | null;
  readonly origin: string | null;
}

/** An event of the log without its body. */
export type EventAt = Pick<LoggedEvent, 'position' | 'id' | 'number' | 'acceptedAt'>;

export interface HeldEvent extends LoggedEvent {
  /** Its place among the key's held events: its number, or its position. */
  readonly order: number;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Not to be tried before, in milliseconds since 1970; null: at once. */
  readonly retryAt: number | null;
}

/** Holds an event of the log, or changes the attempts of one that is held. */
export interface Hold {
  readonly key: string;
  readonly order: number;
  readonly position: number;
  readonly attempts: number;
  readonly retryAt: number | null;
}

/** Lets go of the held events of a key with `from ≤ order ≤ to`: they are settled. */
export interface Release {
  readonly key: string;
  readonly from: number;
  readonly to: number;
}

export interface Retention {
  readonly partition: PartitionId;
  /** Settled events accepted before may go; held events and those of dead letters stay. Milliseconds since 1970. */
  readonly acceptedBefore: number;
  /** Chosen ids accepted before may be forgotten, and in the end are. */
  readonly idsBefore: number;
  /** Only events behind this position are looked at; 0 for all. */
  readonly after: number;
  /** At most so many events are looked at, and so many ids forgotten, in one call. */
  readonly limit: number;
}

export interface Pruned {
  /** How many events and ids went. */
  readonly count: number;
  /** The position behind which the next call goes on; null when there is nothing more to forget. */
  readonly after: number | null;
}
