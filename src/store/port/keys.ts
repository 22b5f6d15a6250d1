import type { StoredOutcome, StoredTimer } from './causes.ts';

export interface StoredState {
  readonly json: string;
  readonly version: number;
}

export interface KeyRecord {
  readonly state: StoredState | null;
  /** The next number to apply; null until a number has been applied or skipped. */
  readonly next: number | null;
  readonly parked: boolean;
  /** The lowest held order; null when nothing is held. */
  readonly heldFrom: number | null;
  /** The highest held position; null when nothing is held. */
  readonly heldTo: number | null;
  readonly held: number;
  /** The gap noted last; null if none is. */
  readonly gap: Gap | null;
  /** The pending timers, by name. */
  readonly timers: readonly StoredTimer[];
  /** Outcomes that it has not been notified of yet, by endpoint and id. */
  readonly outcomes: readonly StoredOutcome[];
  /** The block that the record names; absent if it names none. */
  readonly block?: number | undefined;
}

/** The condition of a key, without its state. */
export interface KeySummary extends Pick<KeyRecord, 'next' | 'parked' | 'heldFrom' | 'held'> {
  readonly key: string;
  /** True if one of its events, timers or outcomes has failed and will be retried. */
  readonly isRetried: boolean;
}

/** Selects keys to list. */
export interface KeysQuery {
  /**
   * Only keys that are parked, have a noted gap, or have a pending retry; by default all that have a record, held events, timers or
   * outcomes.
   */
  readonly among?: 'parked' | 'gaps' | 'retried' | undefined;
  /** Only keys that begin with this text. */
  readonly prefix?: string | undefined;
  /** Only keys after this one. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** The new record of a key, replacing the old one as a whole. */
export interface KeyUpdate {
  readonly key: string;
  readonly state: StoredState | null;
  readonly next: number | null;
  readonly parked: boolean;
  /** The newest block that mentions it; absent if none does. */
  readonly block?: number | undefined;
}

/** A missing number that blocks a key with held events. */
export interface Gap {
  /** The lowest missing number. */
  readonly next: number;
  /** The lowest waiting number. */
  readonly first: number;
  /** The time at which the wait began, in milliseconds since 1970. */
  readonly since: number;
}

export interface StoredGap extends Gap {
  readonly key: string;
}

/** Notes a key's gap, replacing an earlier one, or (null) forgets it. */
export interface GapWrite {
  readonly key: string;
  readonly gap: Gap | null;
}

export interface GapQuery {
  /** Only those whose `since` is at or before this moment. */
  readonly until?: number | undefined;
  /** Only those after this place. */
  readonly after?: Pick<StoredGap, 'since' | 'key'> | undefined;
  readonly limit: number;
}
