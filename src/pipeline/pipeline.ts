import { atLeast, invalid, share } from './check.ts';
import { type Duration, toMs } from './duration.ts';
import { type Endpoint, type EndpointOptions, resolveEndpoint } from './endpoint.ts';
import { resolveSchedule, type Schedule, type ScheduleOptions } from './schedule.ts';
import type { InputOf, OutputOf, Schema, StateSchema, StorableSchema } from './schema.ts';
import { isStorableText } from './text.ts';
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
export type GapPolicy = 'wait' | { readonly skipAfter: Duration };

/** Order by the event's own number. Without it, a key's events are handled in the order they were accepted. */
export interface OrderByNumber<Event> {
  /** An integer; the numbers of a key follow each other without holes. */
  by(event: Event): number;
  /** The first number of every key. Default 1. */
  readonly from?: number;
  /** `wait` (default) for the missing number for as long as it takes, or skip it once the lowest waiting event has waited so long. */
  readonly gap?: GapPolicy;
  /** How many accepted events of one key may wait; more are refused. Default: the engine's `pendingPerKey`. */
  readonly maxPending?: number;
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
type HandlerResult<State> = NextState<State> | PromiseLike<NextState<State>>;

/** `undefined` in place of a state type for pipelines that declare none. */
type StateOf<S extends Schema> = [S] extends [never] ? undefined : OutputOf<S>;

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
  readonly state?: (S & StateSchema<S>) | VersionedState<S>;
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
  ): HandlerResult<StateOf<S>>;
  /** A handler for each named timer. */
  readonly timers?: {
    readonly [N in TimerNames]: (
      state: StateOf<S> | undefined,
      turn: Turn<Name, InputOf<E>, T, TimerNames, EndpointNames>,
      data: unknown,
    ) => HandlerResult<StateOf<S>>;
  };
  /** Where `turn.deliver` delivers to, by name. */
  readonly deliver?: {
    readonly [N in EndpointNames]: EndpointOptions<
      StateOf<S>,
      Turn<Name, InputOf<E>, T, TimerNames, EndpointNames>,
      HandlerResult<StateOf<S>>
    >;
  };
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

declare const types: unique symbol;

/** A checked declaration with every default filled in; what {@link pipeline} returns and the engine runs. */
export interface Pipeline<Name extends string = string, Input = unknown, Event = unknown, State = unknown> {
  readonly name: Name;
  readonly event: Schema;
  readonly inexactNumbers: 'refuse' | 'text';
  /** Undefined: every event is a key of its own. */
  readonly key: ((event: unknown) => string) | undefined;
  readonly id: ((event: unknown) => string | undefined) | undefined;
  readonly deduplicationWindowMs: number;
  readonly order: ResolvedOrder | undefined;
  readonly state: VersionedState<Schema> | undefined;
  readonly tables: Tables;
  readonly handle: (event: unknown, state: unknown, turn: Turn) => HandlerResult<unknown>;
  readonly timers: Readonly<Record<string, (state: unknown, turn: Turn, data: unknown) => HandlerResult<unknown>>>;
  readonly deliver: Readonly<Record<string, Endpoint>>;
  readonly schedule: Schedule | undefined;
  readonly retry: { readonly attempts: number; readonly backoffMs: number; readonly backoffMsMax: number; readonly jitter: number };
  readonly onGiveUp: 'park' | 'skip';
  readonly concurrency: number;
  /** Undefined: handlers run in the thread of the engine. */
  readonly threads: DeclaredThreads | undefined;
  readonly timeoutMs: number;
  readonly retainMs: number;
  /** Type-level only. */
  readonly [types]?: { readonly input: Input; readonly event: Event; readonly state: State };
}

interface DeclaredThreads {
  /** A `file:` URL. */
  readonly module: string;
  /** Undefined: one per core, which the engine counts. */
  readonly count: number | undefined;
}

export interface ResolvedOrder {
  by(event: unknown): number;
  readonly from: number;
  /** Undefined: wait for ever. */
  readonly skipAfterMs: number | undefined;
  /** Undefined: the engine's `pendingPerKey`. */
  readonly pendingMax: number | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: stands for a pipeline of any types; `unknown` would not, inputs are contravariant
export type AnyPipeline = Pipeline<string, any, any, any>;
export type PipelineInput<P extends AnyPipeline> = P extends Pipeline<string, infer Input> ? Input : never;
export type PipelineState<P extends AnyPipeline> = P extends Pipeline<string, infer _Input, infer _Event, infer State> ? State : never;

/**
 * Declares a pipeline.
 *
 * ```ts
 * const visits = pipeline('visits', {
 *   event: z.object({ page: z.string() }),
 *   key: (visit) => visit.page,
 *   state: z.object({ count: z.number() }),
 *   handle: (visit, page) => ({ count: (page?.count ?? 0) + 1 }),
 * });
 * ```
 *
 * Throws `MILL_INVALID_DECLARATION` that names the option, what it expects and what it found.
 */
export function pipeline<
  const Name extends string,
  E extends Schema,
  S extends Schema = never,
  // biome-ignore lint/complexity/noBannedTypes: no tables
  T extends Tables = {},
  TimerNames extends string = never,
  EndpointNames extends string = never,
>(
  name: Name,
  options: PipelineOptions<Name, E, S, T, TimerNames, EndpointNames> & HandlerPlace,
): Pipeline<Name, InputOf<E>, OutputOf<E>, StateOf<S>> {
  const at = (option: string) => `pipeline ${name}: ${option}`;
  checkOptions(name, options, at);
  const state = options.state === undefined ? undefined : resolveState(options.state, at('state'));
  const order = options.order === undefined ? undefined : resolveOrder(options.order as OrderByNumber<unknown>, at('order'));
  const concurrency = atLeast(1, options.concurrency ?? 100, at('concurrency'));
  // The engine handles values whose types only the declaration knows; the schema has checked them.
  return {
    name,
    event: options.event,
    inexactNumbers: options.inexactNumbers ?? 'refuse',
    key: options.key as Pipeline['key'],
    id: options.id as Pipeline['id'],
    deduplicationWindowMs: toMs(options.deduplicationWindow ?? '24h', at('deduplicationWindow')),
    order,
    state,
    tables: options.tables ?? {},
    handle: options.handle as unknown as Pipeline['handle'],
    timers: (options.timers ?? {}) as unknown as Pipeline['timers'],
    deliver: resolveEndpoints(options.deliver ?? {}, at),
    schedule: options.schedule && resolveSchedule(options.schedule as ScheduleOptions<unknown>, concurrency, at('schedule')),
    retry: resolveRetry(options.retry ?? {}, at('retry')),
    onGiveUp: options.onGiveUp ?? (state !== undefined || order !== undefined ? 'park' : 'skip'),
    concurrency,
    threads: resolveThreads(options, at),
    timeoutMs: toMs(options.timeout ?? '30s', at('timeout')),
    retainMs: toMs(options.retain ?? '7d', at('retain')),
  };
}

/** What types cannot say, or a caller without types got wrong. */
function checkOptions(
  name: string,
  options: {
    readonly event?: Partial<Schema>;
    readonly inexactNumbers?: unknown;
    readonly handle?: unknown;
    readonly key?: unknown;
    readonly id?: unknown;
    readonly order?: unknown;
    readonly state?: unknown;
    readonly timers?: object;
  },
  at: (option: string) => string,
): void {
  if (!/^[a-z][a-z0-9_]{0,39}$/.test(name)) {
    invalid(`pipeline: expected a name of lower-case letters, digits and _, at most 40, found ${JSON.stringify(name)}`);
  }
  if (typeof options.handle !== 'function') invalid(`${at('handle')}: expected a function, found ${typeof options.handle}`);
  if (options.event?.['~standard'] === undefined) invalid(`${at('event')}: expected a Standard Schema, such as one of zod`);
  const { inexactNumbers = 'refuse' } = options;
  if (inexactNumbers !== 'refuse' && inexactNumbers !== 'text')
    invalid(`${at('inexactNumbers')}: expected refuse or text, found ${String(inexactNumbers)}`);
  for (const timer of Object.keys(options.timers ?? {})) {
    if (timer.includes('/') || !isStorableText(timer))
      invalid(`${at('timers')}: expected names of well-formed text without / and U+0000, found ${JSON.stringify(timer)}`);
  }
  const numbered = options.order !== undefined;
  if (numbered && options.id !== undefined) invalid(`${at('id')}: expected none beside order, where the number identifies the event`);
  if (options.key !== undefined) return;
  if (numbered) invalid(`${at('order')}: expected a key beside it, numbers count per key`);
  if (options.state !== undefined) invalid(`${at('state')}: expected a key beside it, state belongs to a key`);
}

/** Takes unknowns: a caller without types gets the same answer. */
function resolveThreads(
  { run = 'inline', module, concurrency }: { readonly run?: unknown; readonly module?: unknown; readonly concurrency?: number | undefined },
  at: (option: string) => string,
): DeclaredThreads | undefined {
  if (run !== 'inline' && run !== 'threads') return invalid(`${at('run')}: expected inline or threads, found ${String(run)}`);
  if (run === 'inline') {
    if (module !== undefined) invalid(`${at('module')}: expected none without run: 'threads', found ${String(module)}`);
    return undefined;
  }
  if (typeof module === 'string' && URL.canParse(module) && new URL(module).protocol === 'file:') return { module, count: concurrency };
  return invalid(
    `${at('module')}: expected import.meta.url of the module that exports the pipeline, a file: URL, found ${module === undefined ? 'none' : String(module)}`,
  );
}

function resolveEndpoints(endpoints: object, at: (option: string) => string): Readonly<Record<string, Endpoint>> {
  return Object.fromEntries(
    Object.entries(endpoints).map(([name, endpoint]) => {
      if (!/^[a-z][a-z0-9_]{0,39}$/.test(name)) {
        invalid(`${at('deliver')}: expected names of lower-case letters, digits and _, at most 40, found ${JSON.stringify(name)}`);
      }
      return [name, resolveEndpoint(endpoint, at(`deliver.${name}`))];
    }),
  );
}

function resolveRetry(retry: RetryPolicy, what: string): Pipeline['retry'] {
  return {
    attempts: atLeast(1, retry.attempts ?? 5, `${what}.attempts`),
    backoffMs: toMs(retry.backoff ?? 100, `${what}.backoff`),
    backoffMsMax: toMs(retry.maxBackoff ?? '30s', `${what}.maxBackoff`),
    jitter: share(retry.jitter ?? 0.5, `${what}.jitter`),
  };
}

function resolveState(state: Schema | VersionedState<Schema>, what: string): VersionedState<Schema> {
  if ('~standard' in state) return { schema: state, version: 1, upgrade: (stored) => stored };
  return {
    schema: state.schema,
    version: atLeast(1, state.version, `${what}.version`),
    upgrade: (stored, from) => state.upgrade(stored, from),
  };
}

function resolveOrder(order: OrderByNumber<unknown>, what: string): ResolvedOrder {
  const gap = order.gap ?? 'wait';
  return {
    by: (event) => order.by(event),
    from: atLeast(0, order.from ?? 1, `${what}.from`),
    skipAfterMs: gap === 'wait' ? undefined : toMs(gap.skipAfter, `${what}.gap.skipAfter`),
    pendingMax: order.maxPending === undefined ? undefined : atLeast(1, order.maxPending, `${what}.maxPending`),
  };
}
