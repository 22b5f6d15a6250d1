import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { DeadLetterFilter, DeliveryName, DeliveryOfKey, Store, StoredOperation, TimerPlace } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Limits } from './limits.ts';
import type { Logger } from './logger.ts';
import type { ReadOptions } from './reads.ts';
import type { Tracing } from './tracing.ts';

/* The inputs and results of an engine and its methods. */

export interface MillOptions<List extends readonly AnyPipeline[] = readonly AnyPipeline[]> {
  readonly store: Store;
  readonly pipelines: List;
  /** Limits that differ from `defaultLimits`. */
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  /** Returns a number in [0, 1); spreads retries and makes ids. */
  readonly random?: () => number;
  readonly log?: Logger;
  /** The destination of spans; by default there are none. */
  readonly tracing?: Tracing | undefined;
}

/**
 * The standing of a key.
 *
 * - `open`: it proceeds.
 * - `waiting`: a number before those it holds is missing.
 * - `blocked`: its first event, timer or outcome failed and will be retried.
 * - `parked`: its first waiting event was given up, and an operator must redrive or discard it.
 */
export type KeyStanding = 'open' | 'waiting' | 'blocked' | 'parked';

/** A key in a list. */
export interface ListedKey {
  readonly key: string;
  readonly status: KeyStanding;
  /** Accepted events that wait: for a number, a retry, or an operator. */
  readonly pending: number;
  /** The next number to apply; null in a pipeline without numbers, or before the first. */
  readonly next: number | null;
}

export interface KeyListQuery {
  /** Only keys with this standing. */
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
  /** Only those after this place in the list. */
  readonly after?: TimerPlace | undefined;
  /** Default 100. */
  readonly limit?: number;
}

export interface DeliveryListQuery {
  /** Only those of this endpoint. */
  readonly endpoint?: string | undefined;
  /** Only those of this key. */
  readonly key?: string | undefined;
  /** Only those after this place in the list. */
  readonly after?: DeliveryName | undefined;
  /** Default 100. */
  readonly limit?: number;
}

/**
 * The reason why an event is held.
 *
 * - `number`: a number before its own is missing.
 * - `retry`: it failed, and waits for its next attempt.
 * - `parked`: its key is parked.
 * - `order`: an earlier event is held.
 * - `turn`: nothing blocks it; its turn is coming.
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
  /** The time of the next attempt; null if unknown. */
  readonly retryAt: number | null;
  readonly event: unknown;
}

/** Everything shown about one key. */
export interface KeyDetails extends KeyStatus {
  /** The committed state; null if there is none. */
  readonly state: unknown;
  /** The dead letter that parked it. */
  readonly parkedBy: { readonly deadLetter: string; readonly reason: string } | null;
  /** The first of its held events. */
  readonly held: readonly HeldByKey[];
  /** Deliveries without an outcome, in the order requested; if an endpoint has more than 20, those with the first ids. */
  readonly deliveries: readonly DeliveryOfKey[];
}

export interface KeyStatus {
  readonly key: string;
  readonly status: KeyStanding;
  /** Accepted events that wait: for a number, a retry, or an operator. */
  readonly pending: number;
  /** The next number to apply; null in a pipeline without numbers, or before the first. */
  readonly next: number | null;
  /** The pending timers, by name, with their due times in milliseconds since 1970. */
  readonly timers: readonly { readonly name: string; readonly dueAt: number }[];
}

export interface Freshness extends Omit<ReadOptions, 'charactersMax'> {
  /** Maximum wait, in milliseconds, for events accepted before but not handled yet. Default 250. */
  readonly waitMs?: number;
}

/** The author of an action, for the audit. */
export interface ByWhom {
  /** A name; null or absent if none was required. */
  readonly who?: string | null | undefined;
  /** The reason, in at most 1,000 characters. */
  readonly reason?: string | undefined;
}

/** Selects the dead letters of a pipeline for an operation. */
export interface OperationFilter<Name extends string = string> extends Omit<DeadLetterFilter<Name>, 'pipeline' | 'upTo'> {
  readonly pipeline: Name;
}

/** An operator's request for many dead letters. */
export interface AskedOperation<Name extends string = string> {
  readonly action: 'redrive' | 'discard';
  readonly filter: OperationFilter<Name>;
  /** Delay before it begins, in milliseconds. It can be undone until then. Default 5,000. */
  readonly startAfterMs?: number | undefined;
}

/** An operator's action on many dead letters. Moments are milliseconds since 1970. */
export interface Operation extends Omit<StoredOperation, 'filter' | 'reached' | 'upTo'> {
  readonly filter: OperationFilter;
  /** Number of its letters not processed yet. */
  readonly left: number;
  /** Dead letters that match its filter and were created after it began, until an hour after its end: these include renewed failures. */
  readonly failedAgain: number;
}

/** The result of resolving named dead letters. */
export interface ResolvedLetters {
  /** Number of them that existed. */
  readonly matched: number;
  /** Number redriven or discarded. Others cannot be, such as a gap, which cannot be redriven. */
  readonly resolved: number;
}

export interface DiscardOptions {
  /** Records the author in the audit. */
  readonly by?: ByWhom | undefined;
  /** Only items of this key. */
  readonly key?: string | undefined;
}

export interface StopOptions {
  /** Time limit for handling events already accepted, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

export interface Health {
  readonly status: 'ok' | 'unavailable';
  /** The reason it is unavailable. */
  readonly reason?: string;
  /**
   * Warnings for a person to look at although work makes progress: a key that waits for a number longer than `order.alarmAfter`, or rows of
   * the inbox for an undeclared pipeline.
   */
  readonly warnings?: readonly string[];
}

/** A key that waits for a number. */
export interface WaitingKey {
  readonly key: string;
  /** The lowest missing number. */
  readonly next: number;
  /** The lowest waiting number. */
  readonly first: number;
  /** Accepted events that wait. */
  readonly pending: number;
  /** The time at which the event with the number `first` was accepted, in milliseconds since 1970. */
  readonly since: number;
}

export interface GapsQuery {
  /** Only those after this place in the list. */
  readonly after?: Pick<WaitingKey, 'since' | 'key'> | undefined;
  /** Default 100. */
  readonly limit?: number;
}
