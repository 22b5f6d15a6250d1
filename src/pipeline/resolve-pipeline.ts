import { describeFound } from '../describe-found.ts';
import { invalid } from './check.ts';
import { checkPipeline } from './check-pipeline.ts';
import type { DeclaredOptions } from './declared-options.ts';
import { toMs } from './duration.ts';
import { resolveEndpoint } from './endpoint.ts';
import { isSchema } from './expectations.ts';
import type { OrderByNumber, RetryPolicy, VersionedState } from './pipeline-options.ts';
import type { DeclaredThreads, Pipeline, ResolvedOrder } from './resolved-pipeline.ts';
import { resolveSchedule } from './schedule.ts';
import type { Schema } from './schema.ts';

/**
 * Checks a declaration and fills in every default. Throws `MILL_INVALID_DECLARATION` with the option, the expected value and the one found.
 */
export function resolvePipeline(name: string, options: DeclaredOptions): Pipeline {
  checkPipeline(name, options);
  const at = (option: string) => `pipeline ${name}: ${option}`;
  checkTogether(options, at);
  const state = options.state === undefined ? undefined : resolveState(options.state);
  const order = options.order === undefined ? undefined : resolveOrder(options.order, at('order'));
  const { concurrency = 100 } = options;
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
    from: options.from,
    retry: resolveRetry(options.retry ?? {}, at('retry')),
    onGiveUp: options.onGiveUp ?? (state !== undefined || order !== undefined ? 'park' : 'skip'),
    concurrency,
    threads: resolveThreads(options, at),
    timeoutMs: toMs(options.timeout ?? '30s', at('timeout')),
    retainMs: toMs(options.retain ?? '7d', at('retain')),
    ...switchesOf(options),
  };
}

/** Both are on unless a pipeline says otherwise. */
function switchesOf({ genericIngest = true, timeline = true }: DeclaredOptions): Pick<Pipeline, 'genericIngest' | 'timeline'> {
  return { genericIngest, timeline };
}

/** Refuses combinations of options that the types cannot rule out. */
function checkTogether({ id, key, order, state }: DeclaredOptions, at: (option: string) => string): void {
  if (order !== undefined && id !== undefined) invalid(`${at('id')}: not allowed with order, where the number identifies the event`);
  if (key !== undefined) return;
  if (order !== undefined) invalid(`${at('order')}: requires key, because numbers count per key`);
  if (state !== undefined) invalid(`${at('state')}: requires key, because state belongs to a key`);
}

function resolveThreads(
  { run = 'inline', module, concurrency }: DeclaredOptions,
  at: (option: string) => string,
): DeclaredThreads | undefined {
  if (run === 'inline') {
    if (module !== undefined) invalid(`${at('module')}: expected none without run: 'threads', found ${describeFound(module)}`);
    return undefined;
  }
  if (module !== undefined && URL.parse(module)?.protocol === 'file:') return { module, count: concurrency };
  return invalid(
    `${at('module')}: expected import.meta.url of the module that exports the pipeline, a file: URL, found ${describeFound(module)}`,
  );
}

function resolveEndpoints(endpoints: NonNullable<DeclaredOptions['deliver']>, at: (option: string) => string): Pipeline['deliver'] {
  return Object.fromEntries(Object.entries(endpoints).map(([name, endpoint]) => [name, resolveEndpoint(endpoint, at(`deliver.${name}`))]));
}

function resolveRetry(retry: RetryPolicy, what: string): Pipeline['retry'] {
  return {
    attempts: retry.attempts ?? 5,
    backoffMs: toMs(retry.backoff ?? 100, `${what}.backoff`),
    backoffMsMax: toMs(retry.maxBackoff ?? '30s', `${what}.maxBackoff`),
    jitter: retry.jitter ?? 0.5,
  };
}

function resolveState(state: Schema | VersionedState<Schema>): VersionedState<Schema> {
  if (isSchema(state)) return { schema: state, version: 1, upgrade: (stored) => stored };
  return { schema: state.schema, version: state.version, upgrade: (stored, from) => state.upgrade(stored, from) };
}

/** More numbers than a key loses in any outage, but fewer than a stray number is likely to be off by. */
const jumpMaxDefault = 100_000;

function resolveOrder(order: OrderByNumber<unknown>, what: string): ResolvedOrder {
  const gap = order.gap ?? 'wait';
  return {
    by: (event) => order.by(event),
    from: order.from ?? 1,
    skipAfterMs: gap === 'wait' ? undefined : toMs(gap.skipAfter, `${what}.gap.skipAfter`),
    jumpMax: gap === 'wait' ? Number.POSITIVE_INFINITY : (gap.maxJump ?? jumpMaxDefault),
    pendingMax: order.maxPending,
    alarmAfterMs: order.alarmAfter === undefined ? undefined : toMs(order.alarmAfter, `${what}.alarmAfter`),
  };
}
