import type { ListBounds } from './bounds.ts';

/** A named timer that a turn has set. */
export interface StoredTimer {
  readonly kind: 'timer';
  readonly key: string;
  readonly name: string;
  readonly dueAt: number;
  /** JSON, or null for none. */
  readonly data: string | null;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Earliest retry, in milliseconds since 1970; null: as soon as it is due. */
  readonly retryAt: number | null;
}

/** The outcome of a delivery that its key has not been notified of yet. */
export interface StoredOutcome {
  readonly kind: 'outcome';
  readonly key: string;
  readonly endpoint: string;
  /** The id of the delivery. */
  readonly id: string;
  /** The time at which it became known. It is due from then on, whatever the clock says later. */
  readonly dueAt: number;
  /** The key's notification, as JSON. */
  readonly data: string;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Earliest retry, in milliseconds since 1970; null: at once. */
  readonly retryAt: number | null;
}

/** A reason for a key's turn other than an event. */
export type StoredCause = StoredTimer | StoredOutcome;

/** A pending timer, without its data. */
export type ListedTimer = Pick<StoredTimer, 'key' | 'name' | 'dueAt' | 'attempts' | 'retryAt'>;

/** The place of a timer in a list of timers. */
export type TimerPlace = Pick<StoredTimer, 'dueAt' | 'key' | 'name'>;

/** Selects pending timers to list. */
export interface TimersQuery {
  /** Only timers of this name. */
  readonly name?: string | undefined;
  /** Only timers of keys that begin with this text. */
  readonly prefix?: string | undefined;
  /** Only those due before this moment, in milliseconds since 1970. */
  readonly before?: number | undefined;
  /** Only those after this place. */
  readonly after?: TimerPlace | undefined;
  readonly limit: number;
}

export type TimerName = Pick<StoredTimer, 'kind' | 'key' | 'name'>;

export type OutcomeName = Pick<StoredOutcome, 'kind' | 'key' | 'endpoint' | 'id'>;

/** Names a timer or outcome of a partition. */
export type CauseName = TimerName | OutcomeName;

/** The place of a timer or outcome in due order. */
export type CausePlace = CauseName & Pick<StoredCause, 'dueAt'>;

/** The start and end of a list of timers and outcomes. */
export interface CauseBounds extends ListBounds {
  /** Only those after this place. */
  readonly after?: CausePlace | undefined;
}

/** Sets a timer, replacing one of that name, or, without a moment, cancels it. */
export type TimerWrite = StoredTimer | (TimerName & { readonly dueAt: null });

/** Keeps an outcome, replacing one of that name, or, without a moment, removes it. */
export type OutcomeWrite = StoredOutcome | (OutcomeName & { readonly dueAt: null });
