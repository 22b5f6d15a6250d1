import { atLeast, invalid, share, trueUnlessFalse } from './check.ts';
import { toMs } from './duration.ts';
import { type Endpoint, type EndpointOptions, resolveEndpoint } from './endpoint.ts';
import type { DeclaredThreads, Pipeline, ResolvedOrder } from './pipeline.ts';
import type { HandlerPlace, OrderByNumber, PipelineOptions, RetryPolicy, VersionedState } from './pipeline-options.ts';
import { resolveSchedule } from './schedule.ts';
import type { Schema } from './schema.ts';
import { isStorableText } from './text.ts';
import type { Tables, Turn } from './turn.ts';

/** The options of any pipeline, once the types of its events and states are gone. */
export type DeclaredOptions = Omit<PipelineOptions<string, Schema, never, Tables, never>, 'state' | 'handle' | 'timers' | 'deliver'> &
  Pick<Pipeline, 'handle'> &
  Partial<Pick<Pipeline, 'timers'>> &
  HandlerPlace & {
    readonly state?: Schema | VersionedState<Schema>;
    readonly deliver?: Readonly<Record<string, EndpointOptions<unknown, Turn, unknown>>>;
  };

/** Checks a declaration and fills every default in. Throws `MILL_INVALID_DECLARATION` that names the option, what it expects and what it found. */
export function resolvePipeline(name: string, options: DeclaredOptions): Pipeline {
  const at = (option: string) => `pipeline ${name}: ${option}`;
  checkOptions(name, options, at);
  const state = options.state === undefined ? undefined : resolveState(options.state, at('state'));
  const order = options.order === undefined ? undefined : resolveOrder(options.order, at('order'));
  const concurrency = atLeast(1, options.concurrency ?? 100, at('concurrency'));
  return {
    name,
    event: options.event,
    inexactNumbers: options.inexactNumbers ?? 'refuse',
    key: options.key,
    id: options.id,
    deduplicationWindowMs: toMs(options.deduplicationWindow ?? '24h', at('deduplicationWindow')),
    order,
    state,
    tables: options.tables ?? {},
    handle: options.handle,
    timers: options.timers ?? {},
    deliver: resolveEndpoints(options.deliver ?? {}, at),
    schedule: options.schedule && resolveSchedule(options.schedule, concurrency, at('schedule')),
    retry: resolveRetry(options.retry ?? {}, at('retry')),
    onGiveUp: options.onGiveUp ?? (state !== undefined || order !== undefined ? 'park' : 'skip'),
    concurrency,
    threads: resolveThreads(options, at),
    timeoutMs: toMs(options.timeout ?? '30s', at('timeout')),
    retainMs: toMs(options.retain ?? '7d', at('retain')),
    genericIngest: trueUnlessFalse(options.genericIngest, at('genericIngest')),
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
