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

/** When a timer is due: in a while, or at a moment (milliseconds since 1970). Once set it is a moment of the wall clock either way. */
export type TimerDue = ({ readonly after: Duration } | { readonly at: number }) & {
  /** Handed back when the timer fires; must be JSON. */
  readonly data?: unknown;
};

export interface Timers<Names extends string> {
  /** Arms the key's timer of that name; replaces one that is pending. */
  set(name: Names, due: TimerDue): void;
  /** Disarms it. Nothing happens when none is pending. */
  cancel(name: Names): void;
}

export interface DeliverOptions {
  /**
   * The idempotency key; by default one that no other delivery has. To the same endpoint and from the same key, a second
   * delivery under the id of one that has no outcome yet is the same delivery: calls that begin from now on have the new
   * payload, attempts and backoff stay, and it has one outcome.
   */
  readonly id?: string;
  /** Where to, for a transport that is not made for one address. */
  readonly url?: string;
}

/**
 * What a handler is given beside the event and the state: facts about this turn, and the ways to say what shall
 * happen. Nothing happens until the handler has returned; then all of it commits together with the next state
 * (promise 2), or, when the handler throws, none of it.
 */
export interface Turn<
  Name extends string = string,
  Input = unknown,
  T extends Tables = Tables,
  TimerNames extends string = string,
  EndpointNames extends string = string,
> {
  readonly key: string;
  /** The id of the event; the timer's name when a timer fired, the delivery's id when it has an outcome. */
  readonly id: string;
  /** 1 on the first try. */
  readonly attempt: number;
  /** When the event was accepted, in milliseconds since 1970. The same on every attempt. */
  readonly acceptedAt: number;
  /** The engine's clock, in milliseconds since 1970. */
  readonly now: number;
  /** What this turn is part of, in the form of W3C Trace Context, to hand on to whatever the handler calls. Undefined when the event came without. */
  readonly traceparent: string | undefined;
  /** Aborted when the turn has run longer than the pipeline's `timeout`, or the engine must stop. */
  readonly signal: AbortSignal;
  readonly log: TurnLogger;

  /** Writes a row; one with the same primary key is replaced. */
  put<W extends T[keyof T]>(table: true extends W['keyed'] ? W : never, row: RowOf<W>): void;
  /** Adds a row; does nothing when one with the same primary key is there. */
  add<W extends T[keyof T]>(table: W, row: RowOf<W>): void;
  /** Sets the given columns of the row with that primary key, and leaves the others as they are; does nothing when there is no such row. */
  update<W extends T[keyof T]>(table: true extends W['keyed'] ? W : never, row: ChangedRowOf<W>): void;
  /** Sends an event to another pipeline (or, by name, to this one): it is in the log when this turn commits. */
  send<P extends AnyRecipient>(to: P, event: PipelineInput<P>): void;
  send(to: Name, event: Input): void;
  readonly timers: Timers<TimerNames>;
  /** Calls an endpoint once this turn has committed, at least once (promise 6). The payload must be JSON. */
  deliver(endpoint: EndpointNames, payload: unknown, options?: DeliverOptions): void;
  /** Counts the event as ignored, with the reason in the debug log. Return it: the state stays as it is. */
  ignore(reason: string): undefined;
}
