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
   * For an id chosen by a caller: an earlier event with it, accepted at this moment (milliseconds since 1970) or later, makes this one a
   * duplicate. Null for a generated id, which need not be remembered, and for a numbered event.
   */
  readonly knownSince: number | null;
  /** The event's own number in a numbered pipeline, otherwise null. */
  readonly number: number | null;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** The parsed event as JSON. */
  readonly body: string;
  /** The trace the event belongs to, as a W3C Trace Context `traceparent`; null for none. */
  readonly traceparent: string | null;
  /** The origin from which a source made the event, such as a table row, as JSON; null for an event from a caller or a turn. */
  readonly origin: string | null;
}

/**
 * - `accepted`: it is in the log.
 * - `duplicate`: its chosen id is known, or its number has been applied or is held for its key. Nothing was stored.
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

/** The identity of an event in the log. */
export type EventAt = Pick<LoggedEvent, 'position' | 'id' | 'number' | 'acceptedAt'>;

export interface HeldEvent extends LoggedEvent {
  /** Its place among the key's held events: its number, or its position. */
  readonly order: number;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Earliest retry, in milliseconds since 1970; null: at once. */
  readonly retryAt: number | null;
}

/** Holds an event of the log, or changes the attempts of one already held. */
export interface Hold {
  readonly key: string;
  readonly order: number;
  readonly position: number;
  readonly attempts: number;
  readonly retryAt: number | null;
}

/** Settles the held events of a key with `from ≤ order ≤ to` and releases them. */
export interface Release {
  readonly key: string;
  readonly from: number;
  readonly to: number;
}

export interface Retention {
  readonly partition: PartitionId;
  /** Settled events accepted before this moment may be deleted; held events and those with dead letters stay. Milliseconds since 1970. */
  readonly acceptedBefore: number;
  /** Chosen ids accepted before this moment may be forgotten, and eventually are. */
  readonly idsBefore: number;
  /** Examines only events after this position; 0 for all. */
  readonly after: number;
  /** Maximum events examined, and ids forgotten, per call. */
  readonly limit: number;
}

export interface Pruned {
  /** Number of events and ids deleted. */
  readonly count: number;
  /** The position after which the next call continues; null if nothing is left to delete. */
  readonly after: number | null;
}
