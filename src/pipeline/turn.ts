import type { Duration } from './duration.ts';
import type { AnyRecipient, PipelineInput } from './recipient.ts';
import type { ChangedRowOf, RowOf, Table } from './table.ts';

export type Tables = Readonly<Record<string, Table>>;

/** A structured logger that carries pipeline, key and event id. */
export interface TurnLogger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/**
 * The due time of a timer: after a while, or at a moment (milliseconds since 1970). Once set it is a moment of the wall clock either way.
 */
export type TimerDue = ({ readonly after: Duration } | { readonly at: number }) & {
  /** Passed back when the timer fires; must be JSON. */
  readonly data?: unknown;
};

export interface Timers<Names extends string> {
  /** Sets the key's timer of that name, replacing a pending one. */
  set(name: Names, due: TimerDue): void;
  /** Cancels the timer. Does nothing when none is pending. */
  cancel(name: Names): void;
}

export interface DeliverOptions {
  /**
   * The idempotency key; by default unique. A second delivery from the same key to the same endpoint, under the id of one without an
   * outcome, is the same delivery: calls that begin from now on carry the new payload, its attempts and backoff remain, and it has one
   * outcome.
   */
  readonly id?: string;
  /** The destination, for a transport that is not tied to one address. */
  readonly url?: string;
}

/**
 * A handler's third argument, beside the event and the state: facts about this turn, and the ways to request effects. Nothing happens until
 * the handler has returned. Then all of it commits together with the next state (promise 2), or none of it if the handler throws.
 */
export interface Turn<
  Name extends string = string,
  Input = unknown,
  T extends Tables = Tables,
  TimerNames extends string = string,
  EndpointNames extends string = string,
> {
  readonly key: string;
  /** The id of the event; the timer's name when a timer fired, the delivery's id for an outcome. */
  readonly id: string;
  /** 1 on the first try. */
  readonly attempt: number;
  /** The time at which the event was accepted, in milliseconds since 1970. The same for every attempt. */
  readonly acceptedAt: number;
  /** The engine's clock, in milliseconds since 1970. */
  readonly now: number;
  /**
   * The trace this turn belongs to, as a W3C Trace Context `traceparent`, to pass on to anything the handler calls. Undefined if the event
   * came without one.
   */
  readonly traceparent: string | undefined;
  /** Aborted when the turn exceeds the pipeline's `timeout`, or the engine must stop. */
  readonly signal: AbortSignal;
  readonly log: TurnLogger;

  /** Writes a row, replacing one with the same primary key. */
  put<W extends T[keyof T]>(table: true extends W['keyed'] ? W : never, row: RowOf<W>): void;
  /** Adds a row; does nothing if one with the same primary key exists. */
  add<W extends T[keyof T]>(table: W, row: RowOf<W>): void;
  /** Sets the given columns of the row with that primary key and leaves the rest unchanged; does nothing if there is no such row. */
  update<W extends T[keyof T]>(table: true extends W['keyed'] ? W : never, row: ChangedRowOf<W>): void;
  /** Sends an event to another pipeline (or, by name, to this one). It enters the log when this turn commits. */
  send<P extends AnyRecipient>(to: P, event: PipelineInput<P>): void;
  send(to: Name, event: Input): void;
  readonly timers: Timers<TimerNames>;
  /** Calls an endpoint at least once, after this turn has committed (promise 6). The payload must be JSON. */
  deliver(endpoint: EndpointNames, payload: unknown, options?: DeliverOptions): void;
  /** Counts the event as ignored and logs the reason at debug level. Return its result: the state stays unchanged. */
  ignore(reason: string): undefined;
}
