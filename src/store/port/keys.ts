import type { StoredOutcome, StoredTimer } from './causes.ts';

export interface StoredState {
  readonly json: string;
  readonly version: number;
}

export interface KeyRecord {
  readonly state: StoredState | null;
  /** The next number to apply; null when no number was applied or skipped yet. */
  readonly next: number | null;
  readonly parked: boolean;
  /** The lowest held order; null when nothing is held. */
  readonly heldFrom: number | null;
  /** The highest position of what is held; null when nothing is. */
  readonly heldTo: number | null;
  readonly held: number;
  /** The gap that was noted last; null where none is. */
  readonly gap: Gap | null;
  /** The pending timers, by name. */
  readonly timers: readonly StoredTimer[];
  /** What it has not been told yet, by endpoint and id. */
  readonly outcomes: readonly StoredOutcome[];
  /** The block that the record names; absent where it names none. */
  readonly block?: number | undefined;
}

/** How a key stands, without its state. */
export interface KeySummary extends Pick<KeyRecord, 'next' | 'parked' | 'heldFrom' | 'held'> {
  readonly key: string;
  /** Whether one of its events, timers or outcomes has failed and is to be tried again. */
  readonly isRetried: boolean;
}

/** Which keys to list. */
export interface KeysQuery {
  /** Only keys that are parked, that have a noted gap, or that something is tried again for; by default all that have a record, held events, timers or outcomes. */
  readonly among?: 'parked' | 'gaps' | 'retried' | undefined;
  /** Only keys that begin with this text. */
  readonly prefix?: string | undefined;
  /** Only keys after this one. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** What becomes of a key: replaces its whole record. */
export interface KeyUpdate {
  readonly key: string;
  readonly state: StoredState | null;
  readonly next: number | null;
  readonly parked: boolean;
  /** The newest block that tells of it; absent where none does. */
  readonly block?: number | undefined;
}

/** What a key waits for that holds events and cannot go on without a number. */
export interface Gap {
  /** The lowest number that is missing. */
  readonly next: number;
  /** The lowest number that waits. */
  readonly first: number;
  /** The moment that the waiting counts from, in milliseconds since 1970. */
  readonly since: number;
}

export interface StoredGap extends Gap {
  readonly key: string;
}

/** Notes the gap of a key, in place of its former one, or (null) forgets it. */
export interface GapWrite {
  readonly key: string;
  readonly gap: Gap | null;
}

export interface GapQuery {
  /** Only those whose `since` is at or before this moment. */
  readonly until?: number | undefined;
  /** Only those behind this place. */
  readonly after?: Pick<StoredGap, 'since' | 'key'> | undefined;
  readonly limit: number;
}
