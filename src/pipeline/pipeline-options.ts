import type { Duration } from './duration.ts';
import type { EndpointOptions } from './endpoint.ts';
import type { Inlet } from './inlet.ts';
import type { ScheduleOptions } from './schedule.ts';
import type { InputOf, OutputOf, Schema, StateSchema, StorableSchema } from './schema.ts';
import type { Tables, Turn } from './turn.ts';

/**
 * A state schema with its version. A state that was stored under an older version goes through `upgrade`, is checked
 * by the schema, and only then reaches a handler. A plain schema is version 1.
 */
export interface VersionedState<S extends Schema> {
  readonly schema: S;
  /** An integer from 1; raise it whenever stored states no longer fit. */
  readonly version: number;
  /** Makes a state of the present version out of one that was stored under version `from`. */
  upgrade(stored: unknown, from: number): unknown;
}

/** What happens to later events when a number does not arrive. */
export type GapPolicy = 'wait' | SkipPolicy;

export interface SkipPolicy {
  /** How long the lowest waiting event waits before the numbers that are missing before it are given up. */
  readonly skipAfter: Duration;
  /**
   * How far a number may lie beyond the next one of its key; an event with a higher one is refused (`MILL_EVENT_TOO_EARLY`). Skipping to
   * a number that is no part of the sequence would make every later one late. Default 100,000.
   */
  readonly maxJump?: number;
}

/** Order by the event's own number. Without it, a key's events are handled in the order they were accepted. */
export interface OrderByNumber<Event> {
  /** An integer below 2⁵³ − 1; the numbers of a key follow each other without holes. */
  by(event: Event): number;
  /** The first number of every key. Default 1. */
  readonly from?: number;
  /** `wait` (default) for the missing number for as long as it takes, or skip it once the lowest waiting event has waited so long. */
  readonly gap?: GapPolicy;
  /** How many accepted events of one key may wait; more are refused. Default: the engine's `pendingPerKey`. */
  readonly maxPending?: number;
  /** How long a key may wait for a number before health, the operator's page and the log say so. Default: for ever. */
  readonly alarmAfter?: Duration;
}

/** How often and how fast a failed turn is tried again. The pause before attempt n+1 is `backoff · 2^(n-1)`, at most `maxBackoff`, spread by `jitter`. */
export interface RetryPolicy {
  /** Attempts in all, the first included. Default 5. */
  readonly attempts?: number;
  /** Default 100 ms. */
  readonly backoff?: Duration;
  /** Default 30 s. */
  readonly maxBackoff?: Duration;
  /** The share of the pause that is random, 0 to 1. Default 0.5. */
  readonly jitter?: number;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a handler that decides nothing about the state just ends
type NextState<State> = State | null | undefined | void;
export type HandlerResult<State> = NextState<State> | PromiseLike<NextState<State>>;

/** `undefined` in place of a state type for pipelines that declare none. */
export type StateOf<S extends Schema> = [S] extends [never] ? undefined : OutputOf<S>;

/**
 * A state as a handler returns it: exactly `StateOf<S>`, in a form by which `return { status: 'placed' }` keeps `'placed'`.
 *
 * While the compiler still infers `S`, it decides whether a returned literal becomes `string`, and looks only at the widest type that
 * the result may have. For `StateOf<S>` that is `unknown`, which keeps no literal. So this type adds {@link Literals}, which keep them,
 * and {@link Anything}, which is `unknown` as a union: beside `unknown` itself the compiler would forget the literals. Both are gone once
 * `S` is known.
 */
type ReturnedState<S extends Schema> = (StateOf<S> & Anything) | ([S] extends [Schema] ? never : Literals);

// biome-ignore lint/complexity/noBannedTypes: every value that is neither null nor undefined
type Anything = {} | null | undefined;

/** JSON made of literal types. Beside one of them, whichever it is, literals and tuples stay as they are written. */
type Literals = '' | 0 | boolean | [Literals, ...Literals[]] | { readonly [property: string]: Literals };

/** What a user declares: how events of one kind are validated, keyed, ordered and handled. */
export interface PipelineOptions<
  Name extends string,
  E extends Schema,
  S extends Schema,
  T extends Tables,
  TimerNames extends string,
  EndpointNames extends string = string,
> {
  /** Every event is parsed by it once, at the door. Its output must be JSON. */
  readonly event: E & StorableSchema<E>;
  /**
   * What becomes of a number in an event's JSON that JavaScript rounds, such as 1405478888888888901 or 1e400. `refuse`
   * (default): the event is not valid. `text`: the schema gets it as text, just as it was written.
   */
  readonly inexactNumbers?: 'refuse' | 'text';
  /** The thing an event is about. Without it every event is a key of its own: no order, full concurrency. */
  key?(event: OutputOf<E>): string;
  /** An id that the caller chose: a second event with the same id is a duplicate. Not with `order`, where the number identifies the event. */
  id?(event: OutputOf<E>): string | undefined;
  /** How long a chosen id is recognised. Default 24 h. */
  readonly deduplicationWindow?: Duration;
  readonly order?: OrderByNumber<OutputOf<E>>;
  /**
   * The schema of a key's state; must be JSON. Every state that a handler returns goes through it, so it must take what it puts
   * out. Without it the pipeline keeps no state.
   */
  readonly state?: (S & StateSchema<S>) | VersionedState<S & StateSchema<S>>;
  /** The tables that the handlers write. */
  readonly tables?: T;
  /**
   * Decides what an event means: returns the next state, `undefined` to leave it as it is, `null` to forget it; what
   * else shall happen it says through `turn`. It runs again after a failure, so what it does outside of `turn` may
   * happen more than once.
   */
  handle(
    event: OutputOf<E>,
    state: StateOf<S> | undefined,
    turn: Turn<Name, InputOf<E>, T, TimerNames, EndpointNames>,
  ): HandlerResult<ReturnedState<S>>;
  /** A handler for each named timer. */
  readonly timers?: {
    readonly [N in TimerNames]: (
      state: StateOf<S> | undefined,
      turn: Turn<Name, InputOf<E>, T, TimerNames, EndpointNames>,
      data: unknown,
    ) => HandlerResult<ReturnedState<S>>;
  };
  /** Where `turn.deliver` delivers to, by name. */
  readonly deliver?: {
    readonly [N in EndpointNames]: EndpointOptions<
      StateOf<S>,
      Turn<Name, InputOf<E>, T, TimerNames, EndpointNames>,
      HandlerResult<ReturnedState<S>>
    >;
  };
  /** Takes events in from a topic of a broker, such as `kafka(…)`: each record once, and the records of a partition in their order. */
  readonly from?: Inlet;
  /** Takes events in by the clock. */
  readonly schedule?: ScheduleOptions<InputOf<E>>;
  readonly retry?: RetryPolicy;
  /**
   * After the last attempt: `park` the key until an operator redrives or discards the event, or `skip` the event and go
   * on. Default `park` where there is state or order, otherwise `skip`.
   */
  readonly onGiveUp?: 'park' | 'skip';
  /** Turns of different keys that may run at once; with `run: 'threads'` that is how many threads. Default 100, with threads one per core. */
  readonly concurrency?: number;
  /** How long a turn may take before its signal aborts and the attempt counts as failed. Default 30 s. */
  readonly timeout?: Duration;
  /** How long the log keeps settled events. Default 7 d. */
  readonly retain?: Duration;
  /**
   * Whether the server adds its generic ingest routes for the pipeline, `POST /pipelines/{name}/events` and `…/events/batch`. Default
   * true. With false only routes of your own bring it events, so that nobody walks around what they check, a signature say.
   */
  readonly genericIngest?: boolean;
  /** Whether it is kept what happens to each key, for as long as `retain` says. Default true. */
  readonly timeline?: boolean;
}

/**
 * Where the handlers run. `inline`, the default, is the thread of the engine: right for decisions, which take well under a
 * millisecond. `threads` is for handlers that compute: each attempt runs in a worker thread, with the same promises, and a
 * handler that does not end is ended together with its thread.
 *
 * A thread imports `module`, the `import.meta.url` of the module that exports the pipeline, and takes the pipeline of this
 * name from it. So that module should declare and do nothing else. An event, a state and what is sent are copied on their
 * way; `turn.signal` does not abort there, the thread just ends.
 */
export type HandlerPlace = { readonly run?: 'inline'; readonly module?: never } | { readonly run: 'threads'; readonly module: string };
