import type { Duration } from './duration.ts';
import type { EndpointOptions } from './endpoint.ts';
import type { Inlet } from './inlet.ts';
import type { ScheduleOptions } from './schedule.ts';
import type { InputOf, OutputOf, Schema, StateSchema, StorableSchema } from './schema.ts';
import type { Tables, Turn } from './turn.ts';

/**
 * A state schema with its version. A state stored under an older version goes through `upgrade` and the schema before it reaches a handler.
 * A plain schema is version 1.
 */
export interface VersionedState<S extends Schema> {
  readonly schema: S;
  /** An integer from 1; raise it whenever stored states no longer fit. */
  readonly version: number;
  /** Converts a state stored under version `from` to the current version. */
  upgrade(stored: unknown, from: number): unknown;
}

/** The treatment of later events when a number never arrives. */
export type GapPolicy = 'wait' | SkipPolicy;

export interface SkipPolicy {
  /** Time that the lowest waiting event waits before the missing numbers before it are skipped. */
  readonly skipAfter: Duration;
  /**
   * Maximum distance of a number from the next one of its key; an event with a higher one is refused (`MILL_EVENT_TOO_EARLY`). Skipping to a
   * number outside the sequence would make every later one late. Default 100,000.
   */
  readonly maxJump?: number;
}

/** Order by the event's own number. Without it, a key's events are handled in the order of acceptance. */
export interface OrderByNumber<Event> {
  /** Returns an integer below 2⁵³ − 1; a key's numbers follow each other without gaps. */
  by(event: Event): number;
  /** The first number of every key. Default 1. */
  readonly from?: number;
  /** `wait` (default) for the missing number indefinitely, or skip it once the lowest waiting event has waited long enough. */
  readonly gap?: GapPolicy;
  /** Maximum accepted events of one key that may wait; more are refused. Default: the engine's `pendingPerKey`. */
  readonly maxPending?: number;
  /** Raises an alarm in health, on the operator's page and in the log when a key has waited this long for a number. Default: never. */
  readonly alarmAfter?: Duration;
}

/**
 * Retries of a failed turn. The pause before attempt n+1 is `backoff · 2^(n-1)`, at most `maxBackoff`, randomised by
 * `jitter`.
 */
export interface RetryPolicy {
  /** Total attempts, including the first. Default 5. */
  readonly attempts?: number;
  /** Default 100 ms. */
  readonly backoff?: Duration;
  /** Default 30 s. */
  readonly maxBackoff?: Duration;
  /** The random share of the pause, 0 to 1. Default 0.5. */
  readonly jitter?: number;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a handler that decides nothing about the state just ends
type NextState<State> = State | null | undefined | void;
export type HandlerResult<State> = NextState<State> | PromiseLike<NextState<State>>;

/** The state type, or `undefined` for pipelines that declare no state. */
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

/** The declaration of a pipeline: how events of one kind are validated, keyed, ordered and handled. */
export interface PipelineOptions<
  Name extends string,
  E extends Schema,
  S extends Schema,
  T extends Tables,
  TimerNames extends string,
  EndpointNames extends string = string,
> {
  /** Parses every event once, on ingest. Its output must be JSON. */
  readonly event: E & StorableSchema<E>;
  /**
   * Controls numbers in an event's JSON that JavaScript rounds, such as 1405478888888888901 or 1e400. `refuse` (default): the event is
   * invalid. `text`: the schema gets the number as text, exactly as written.
   */
  readonly inexactNumbers?: 'refuse' | 'text';
  /** Returns the thing an event is about. Without it every event is its own key: no order, full concurrency. */
  key?(event: OutputOf<E>): string;
  /**
   * Returns an id chosen by the caller: a second event with the same id is a duplicate. Not allowed with `order`, where the number
   * identifies the event.
   */
  id?(event: OutputOf<E>): string | undefined;
  /** Time for which a chosen id is recognised. Default 24 h. */
  readonly deduplicationWindow?: Duration;
  readonly order?: OrderByNumber<OutputOf<E>>;
  /**
   * The schema of a key's state, which must be JSON. Every state that a handler returns goes through it, so it must accept its own output.
   * Without it the pipeline keeps no state.
   */
  readonly state?: (S & StateSchema<S>) | VersionedState<S & StateSchema<S>>;
  /** The tables that the handlers write. */
  readonly tables?: T;
  /**
   * Decides what an event means. Returns the next state, `undefined` to keep it, or `null` to delete it, and requests everything else
   * through `turn`. It runs again after a failure, so anything it does outside `turn` may happen more than once.
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
  /** The destinations of `turn.deliver`, by name. */
  readonly deliver?: {
    readonly [N in EndpointNames]: EndpointOptions<
      StateOf<S>,
      Turn<Name, InputOf<E>, T, TimerNames, EndpointNames>,
      HandlerResult<ReturnedState<S>>
    >;
  };
  /** Takes events in from a broker's topic, such as `kafka(…)`: each record once, and a partition's records in order. */
  readonly from?: Inlet;
  /** Takes events in on a schedule. */
  readonly schedule?: ScheduleOptions<InputOf<E>>;
  readonly retry?: RetryPolicy;
  /**
   * After the last attempt: `park` the key until an operator redrives or discards the event, or `skip` the event and continue. Default
   * `park` if there is state or order, otherwise `skip`.
   */
  readonly onGiveUp?: 'park' | 'skip';
  /**
   * Turns of different keys that may run concurrently; with `run: 'threads'`, the number of threads. Default 100, or one thread per core.
   */
  readonly concurrency?: number;
  /** Maximum duration of a turn, after which its signal aborts and the attempt counts as failed. Default 30 s. */
  readonly timeout?: Duration;
  /** Retention of settled events in the log. Default 7 d. */
  readonly retain?: Duration;
  /**
   * Adds the server's generic ingest routes for the pipeline, `POST /pipelines/{name}/events` and `…/events/batch`. Default true. With
   * false, events arrive only through your own routes, so nobody can bypass their checks, such as a signature.
   */
  readonly genericIngest?: boolean;
  /** Records what happens to each key, for as long as `retain` says. Default true. */
  readonly timeline?: boolean;
}

/**
 * The thread of the handlers. `inline`, the default, is the engine's thread: right for decisions, which take well under a millisecond.
 * `threads` is for handlers that compute: each attempt runs in a worker thread, with the same promises, and a handler that does not return
 * is terminated together with its thread.
 *
 * A thread imports `module`, the `import.meta.url` of the module that exports the pipeline, and takes the pipeline of this name from it. So
 * that module should only declare things. Events, states and sent events are copied between threads; `turn.signal` does not abort there,
 * the thread just ends.
 */
export type HandlerPlace = { readonly run?: 'inline'; readonly module?: never } | { readonly run: 'threads'; readonly module: string };
