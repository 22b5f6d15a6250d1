import type { StoredOutcome, StoredTimer } from './causes.ts';
import type { StoredDelivery } from './deliveries.ts';
import type { LoggedEvent, PartitionId } from './events.ts';

/** What every dead letter says, whatever was given up. */
type DeadLetterHead = {
  readonly id: string;
  readonly key: string;
  readonly reason: string;
  /** The stack of what was thrown, with the chain of causes, as text; null where nothing was thrown. */
  readonly stack: string | null;
  readonly failedAt: number;
  readonly attempts: number;
};

/** An event that failed, by its place in the log. */
type FailedEvent = {
  readonly kind: 'event';
  readonly event: { readonly position: number; readonly order: number };
  /** Whether its key was parked for it. An operator may have parked others. */
  readonly parked: boolean;
};

type FailedTimer = {
  readonly kind: 'timer';
  readonly timer: Pick<StoredTimer, 'name' | 'dueAt' | 'data'>;
};

/** An outcome that its key could not be told. */
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

/** An origin of which no event could be made. */
type RejectedOrigin = {
  readonly kind: 'origin';
  readonly origin: string;
};

/** A record of a broker, or one of the events that it holds, of which no event could be made. */
type RejectedRecord = {
  readonly kind: 'rejected';
  /** Its place and its bytes, as JSON, which begins with the name of its source. */
  readonly record: string;
};

/** What was given up; `kind` says which. */
export type NewDeadLetter = DeadLetterHead &
  (FailedEvent | FailedTimer | FailedOutcome | FailedDelivery | SkippedGap | RejectedOrigin | RejectedRecord);

/** What the log has of a failed event. */
type LoggedFailure = Pick<LoggedEvent, 'body' | 'acceptedAt' | 'origin'> & { readonly eventId: string };

/** A dead letter as it is read: one of an event with what the log has of that. */
export type DeadLetter = DeadLetterHead & { readonly partition: PartitionId } & (
    | (FailedEvent & LoggedFailure)
    | FailedTimer
    | FailedOutcome
    | FailedDelivery
    | SkippedGap
    | RejectedOrigin
    | RejectedRecord
  );

/** What may be given up. */
export type DeadLetterKind = DeadLetter['kind'];

/** A dead letter of one kind. */
export type DeadLetterOf<Kind extends DeadLetterKind> = Extract<DeadLetter, { readonly kind: Kind }>;

/** Which dead letters. */
export interface DeadLetterFilter<Name extends string = string> {
  readonly pipeline?: Name | undefined;
  readonly kind?: DeadLetterKind | undefined;
  readonly key?: string | undefined;
  /** Only those whose reasons have the same pattern as this text, which may be a pattern itself; see `patternOf`. */
  readonly reason?: string | undefined;
  /** Only those that failed at this moment or later, in milliseconds since 1970. */
  readonly from?: number | undefined;
  /** Only those that failed before this moment. */
  readonly to?: number | undefined;
  /** Only those up to this id, that one included. */
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

/** How many dead letters there are of those asked for, and which is the last. */
export interface DeadLetterCount {
  readonly count: number;
  /** Its id; null where there are none. */
  readonly last: string | null;
}

/** Dead letters of one kind and pipeline whose reasons have the same pattern. */
export interface DeadLetterGroup {
  readonly pipeline: string;
  readonly kind: DeadLetterKind;
  /** What their reasons have in common; see `patternOf`. */
  readonly reason: string;
  readonly count: number;
  /** When the first and the last of them failed, in milliseconds since 1970. */
  readonly first: number;
  readonly last: number;
  /** How many failed in each minute from `since` on, as far as any did. */
  readonly arrivals: ReadonlyMap<number, number>;
}

export interface DeadLetterGroupQuery {
  readonly pipeline?: string | undefined;
  readonly kind?: DeadLetterKind | undefined;
  /** From when arrivals are counted. */
  readonly since: number;
  readonly limit: number;
}
