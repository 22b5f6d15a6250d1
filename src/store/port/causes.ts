import type { ListBounds } from './bounds.ts';

/** A named alarm that a turn has armed. */
export interface StoredTimer {
  readonly kind: 'timer';
  readonly key: string;
  readonly name: string;
  readonly dueAt: number;
  /** JSON, or null for none. */
  readonly data: string | null;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Not to be tried before, in milliseconds since 1970; null: as soon as it is due. */
  readonly retryAt: number | null;
}

/** What became of a delivery, to tell its key of. */
export interface StoredOutcome {
  readonly kind: 'outcome';
  readonly key: string;
  readonly endpoint: string;
  /** Of the delivery. */
  readonly id: string;
  /** When it became known. It is due from then on, whatever the clock says later. */
  readonly dueAt: number;
  /** What the key is told, as JSON. */
  readonly data: string;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Not to be tried before, in milliseconds since 1970; null: at once. */
  readonly retryAt: number | null;
}

/** Why a key is to have a turn, other than an event. */
export type StoredCause = StoredTimer | StoredOutcome;

/** An armed timer, without its data. */
export type ListedTimer = Pick<StoredTimer, 'key' | 'name' | 'dueAt' | 'attempts' | 'retryAt'>;

/** The place of a timer in a list of timers. */
export type TimerPlace = Pick<StoredTimer, 'dueAt' | 'key' | 'name'>;

/** Which armed timers to list. */
export interface TimersQuery {
  /** Only timers of this name. */
  readonly name?: string | undefined;
  /** Only timers of keys that begin with this text. */
  readonly prefix?: string | undefined;
  /** Only those due before this moment, in milliseconds since 1970. */
  readonly before?: number | undefined;
  /** Only those behind this place. */
  readonly after?: TimerPlace | undefined;
  readonly limit: number;
}

export type TimerName = Pick<StoredTimer, 'kind' | 'key' | 'name'>;

export type OutcomeName = Pick<StoredOutcome, 'kind' | 'key' | 'endpoint' | 'id'>;

/** Which timer or outcome of a partition. */
export type CauseName = TimerName | OutcomeName;

/** The place of a timer or outcome in the order in which they come due. */
export type CausePlace = CauseName & Pick<StoredCause, 'dueAt'>;

/** Where a list of timers and outcomes begins and ends. */
export interface CauseBounds extends ListBounds {
  /** Only those behind this place. */
  readonly after?: CausePlace | undefined;
}

/** Arms a timer, in place of one of that name, or, without a moment, disarms it. */
export type TimerWrite = StoredTimer | (TimerName & { readonly dueAt: null });

/** Keeps an outcome, in place of one of that name, or, without a moment, removes it. */
export type OutcomeWrite = StoredOutcome | (OutcomeName & { readonly dueAt: null });
