import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { DeadLetterFilter, DeliveryName, DeliveryOfKey, Store, StoredOperation, TimerPlace } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Limits } from './limits.ts';
import type { Logger } from './logger.ts';
import type { ReadOptions } from './reads.ts';
import type { Tracing } from './tracing.ts';

/*
 * What callers give to an engine and its methods, and what they get.
 */

export interface MillOptions<List extends readonly AnyPipeline[] = readonly AnyPipeline[]> {
  readonly store: Store;
  readonly pipelines: List;
  /** Bounds that differ from `defaultLimits`. */
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  /** A number in [0, 1); spreads retries and makes ids. */
  readonly random?: () => number;
  readonly log?: Logger;
  /** Where spans go; by default there are none. */
  readonly tracing?: Tracing | undefined;
}

/**
 * How a key stands.
 *
 * - `open`: it goes on.
 * - `waiting`: a number before those that it holds is missing.
 * - `blocked`: its first event, timer or outcome failed and is tried again.
 * - `parked`: its first waiting event was given up, and an operator must redrive or discard it.
 */
export type KeyStanding = 'open' | 'waiting' | 'blocked' | 'parked';

/** A key in a list. */
export interface ListedKey {
  readonly key: string;
  readonly status: KeyStanding;
  /** Accepted events that wait: for a number, a retry, or the operator. */
  readonly pending: number;
  /** The next number to apply; null in a pipeline without numbers, or before the first. */
  readonly next: number | null;
}

export interface KeyListQuery {
  /** Only keys that stand so. */
  readonly status?: KeyStanding | undefined;
  /** Only keys that begin with this text. */
  readonly prefix?: string | undefined;
  /** Only keys after this one. */
  readonly after?: string | undefined;
  /** Default 100. */
  readonly limit?: number;
}

export interface TimerListQuery {
  /** Only timers of this name. */
  readonly name?: string | undefined;
  /** Only timers of keys that begin with this text. */
  readonly prefix?: string | undefined;
  /** Only those due before this moment, in milliseconds since 1970. */
  readonly before?: number | undefined;
  /** Only those behind this place in the list. */
  readonly after?: TimerPlace | undefined;
  /** Default 100. */
  readonly limit?: number;
}

export interface DeliveryListQuery {
  /** Only those of this endpoint. */
  readonly endpoint?: string | undefined;
  /** Only those of this key. */
  readonly key?: string | undefined;
  /** Only those behind this place in the list. */
  readonly after?: DeliveryName | undefined;
  /** Default 100. */
  readonly limit?: number;
}

/**
 * Why an event is held.
 *
 * - `number`: a number before its own is missing.
 * - `retry`: it failed, and waits for its next attempt.
 * - `parked`: its key is parked.
 * - `order`: an event before it is held.
 * - `turn`: nothing keeps it, and its turn comes.
 */
export type HeldReason = 'number' | 'retry' | 'parked' | 'order' | 'turn';

/** An event that a key holds. Moments are milliseconds since 1970. */
export interface HeldByKey {
  readonly id: string;
  /** Its own number; null in a pipeline without numbers. */
  readonly number: number | null;
  readonly acceptedAt: number;
  readonly reason: HeldReason;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** When it is tried next; null where that is not said. */
  readonly retryAt: number | null;
  readonly event: unknown;
}

/** All that is shown of one key. */
export interface KeyDetails extends KeyStatus {
  /** The committed state; null where there is none. */
  readonly state: unknown;
  /** The dead letter that has parked it. */
  readonly parkedBy: { readonly deadLetter: string; readonly reason: string } | null;
  /** The first of the events that it holds. */
  readonly held: readonly HeldByKey[];
  /** Deliveries that have no outcome yet, in the order in which they were asked for; of more than 20 of an endpoint those with the first ids. */
  readonly deliveries: readonly DeliveryOfKey[];
}

export interface KeyStatus {
  readonly key: string;
  readonly status: KeyStanding;
  /** Accepted events that wait: for a number, a retry, or the operator. */
  readonly pending: number;
  /** The next number to apply; null in a pipeline without numbers, or before the first. */
  readonly next: number | null;
  /** The timers that are armed, by name, and when each is due, in milliseconds since 1970. */
  readonly timers: readonly { readonly name: string; readonly dueAt: number }[];
}

export interface Freshness extends Omit<ReadOptions, 'charactersMax'> {
  /** How long to wait, in milliseconds, for events that were accepted before and are not handled yet. Default 250. */
  readonly waitMs?: number;
}

/** Who does something, for the audit. */
export interface ByWhom {
  /** A name; null or left out where nobody was asked for one. */
  readonly who?: string | null | undefined;
  /** Why, in at most 1,000 characters. */
  readonly reason?: string | undefined;
}

/** Which dead letters of a pipeline an operation is about. */
export interface OperationFilter<Name extends string = string> extends Omit<DeadLetterFilter<Name>, 'pipeline' | 'upTo'> {
  readonly pipeline: Name;
}

/** What an operator wants done to many dead letters. */
export interface AskedOperation<Name extends string = string> {
  readonly action: 'redrive' | 'discard';
  readonly filter: OperationFilter<Name>;
  /** After how many milliseconds it begins. It can be undone until then. Default 5,000. */
  readonly startAfterMs?: number | undefined;
}

/** Something that an operator has done to many dead letters. Moments are milliseconds since 1970. */
export interface Operation extends Omit<StoredOperation, 'filter' | 'reached' | 'upTo'> {
  readonly filter: OperationFilter;
  /** How many of its letters it has not come to. */
  readonly left: number;
  /** Dead letters that its filter matches and that came after it began, until an hour after its end: what failed again is among them. */
  readonly failedAgain: number;
}

/** What became of dead letters that were named. */
export interface ResolvedLetters {
  /** How many of them there were. */
  readonly matched: number;
  /** How many are redriven or discarded. Others cannot be, such as a gap, which cannot be redriven. */
  readonly resolved: number;
}

export interface DiscardOptions {
  /** Notes in the audit who did it. */
  readonly by?: ByWhom | undefined;
  /** Only what is of this key. */
  readonly key?: string | undefined;
}

export interface StopOptions {
  /** How long what is accepted may still be handled, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

export interface Health {
  readonly status: 'ok' | 'unavailable';
  /** Why it is unavailable. */
  readonly reason?: string;
  /** What a person should look at although work makes progress: a key that waits for a number for longer than `order.alarmAfter`, or rows of the inbox for a pipeline that nobody declares. */
  readonly warnings?: readonly string[];
}

/** A key that waits for a number. */
export interface WaitingKey {
  readonly key: string;
  /** The lowest number that is missing. */
  readonly next: number;
  /** The lowest number that waits. */
  readonly first: number;
  /** Accepted events that wait. */
  readonly pending: number;
  /** When the event with the number `first` was accepted, in milliseconds since 1970. */
  readonly since: number;
}

export interface GapsQuery {
  /** Only those behind this place in the list. */
  readonly after?: Pick<WaitingKey, 'since' | 'key'> | undefined;
  /** Default 100. */
  readonly limit?: number;
}
