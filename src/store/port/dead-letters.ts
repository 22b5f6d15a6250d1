import type { StoredOutcome, StoredTimer } from './causes.ts';
import type { StoredDelivery } from './deliveries.ts';
import type { LoggedEvent, PartitionId } from './events.ts';

/** The fields common to every dead letter. */
type DeadLetterHead = {
  readonly id: string;
  readonly key: string;
  readonly reason: string;
  /** The stack of the thrown error, with the chain of causes, as text; null if nothing was thrown. */
  readonly stack: string | null;
  readonly failedAt: number;
  readonly attempts: number;
};

/** An event that failed, by its place in the log. */
type FailedEvent = {
  readonly kind: 'event';
  readonly event: { readonly position: number; readonly order: number };
  /** True if its key was parked because of it. An operator may have parked others. */
  readonly parked: boolean;
};

type FailedTimer = {
  readonly kind: 'timer';
  readonly timer: Pick<StoredTimer, 'name' | 'dueAt' | 'data'>;
};

/** An outcome that its key could not be notified of. */
type FailedOutcome = {
  readonly kind: 'outcome';
  readonly outcome: Pick<StoredOutcome, 'endpoint' | 'id' | 'dueAt' | 'data'>;
};

type FailedDelivery = {
  readonly kind: 'delivery';
  readonly delivery: Omit<StoredDelivery, 'key' | 'flow' | 'attempts' | 'dueAt'>;
};

/** Numbers that were skipped. */
type SkippedGap = {
  readonly kind: 'gap';
  readonly numbers: { readonly from: number; readonly to: number };
};

/** An origin that yielded no event. */
type RejectedOrigin = {
  readonly kind: 'origin';
  readonly origin: string;
};

/** A broker's record, or one of its events, that could not be turned into an event. */
type RejectedRecord = {
  readonly kind: 'rejected';
  /** Its place and bytes, as JSON beginning with the name of its source. */
  readonly record: string;
};

/** The failed thing; `kind` says which kind it is. */
export type NewDeadLetter = DeadLetterHead &
  (FailedEvent | FailedTimer | FailedOutcome | FailedDelivery | SkippedGap | RejectedOrigin | RejectedRecord);

/** The log's part of a failed event. */
type LoggedFailure = Pick<LoggedEvent, 'body' | 'acceptedAt' | 'origin'> & { readonly eventId: string };

/** A dead letter as read from the store: one about an event includes what the log holds. */
export type DeadLetter = DeadLetterHead & { readonly partition: PartitionId } & (
    | (FailedEvent & LoggedFailure)
    | FailedTimer
    | FailedOutcome
    | FailedDelivery
    | SkippedGap
    | RejectedOrigin
    | RejectedRecord
  );

/** The kinds of dead letters. */
export type DeadLetterKind = DeadLetter['kind'];

/** A dead letter of one kind. */
export type DeadLetterOf<Kind extends DeadLetterKind> = Extract<DeadLetter, { readonly kind: Kind }>;

/** Selects dead letters. */
export interface DeadLetterFilter<Name extends string = string> {
  readonly pipeline?: Name | undefined;
  readonly kind?: DeadLetterKind | undefined;
  readonly key?: string | undefined;
  /** Only those whose reasons share this text's pattern; the text may itself be a pattern. See `patternOf`. */
  readonly reason?: string | undefined;
  /** Only those that failed at this moment or later, in milliseconds since 1970. */
  readonly from?: number | undefined;
  /** Only those that failed before this moment. */
  readonly to?: number | undefined;
  /** Only those up to and including this id. */
  readonly upTo?: string | undefined;
  /** Only those with one of these ids. */
  readonly ids?: readonly string[] | undefined;
}

export interface DeadLetterQuery<Name extends string = string> extends DeadLetterFilter<Name> {
  readonly id?: string | undefined;
  /** Only those after this id in id order, which is the order in which they failed. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** The number of matching dead letters, and the last one. */
export interface DeadLetterCount {
  readonly count: number;
  /** The id of the last one; null if there are none. */
  readonly last: string | null;
}

/** Dead letters of one kind and pipeline whose reasons have the same pattern. */
export interface DeadLetterGroup {
  readonly pipeline: string;
  readonly kind: DeadLetterKind;
  /** The common pattern of their reasons; see `patternOf`. */
  readonly reason: string;
  readonly count: number;
  /** The times at which the first and the last of them failed, in milliseconds since 1970. */
  readonly first: number;
  readonly last: number;
  /** Number of failures per minute from `since` on, for minutes that had any. */
  readonly arrivals: ReadonlyMap<number, number>;
}

export interface DeadLetterGroupQuery {
  readonly pipeline?: string | undefined;
  readonly kind?: DeadLetterKind | undefined;
  /** The start of the arrival counts. */
  readonly since: number;
  readonly limit: number;
}
