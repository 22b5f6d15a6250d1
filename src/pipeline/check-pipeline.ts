import { describeFound } from '../describe-found.ts';
import { isName } from './check.ts';
import { checkOptions, type OptionTable, required } from './check-options.ts';
import { isTable } from './check-table.ts';
import type { DeclaredOptions } from './declared-options.ts';
import type { DeliveryRetry, EndpointOptions } from './endpoint.ts';
import {
  aFunction,
  anyFunction,
  duration,
  either,
  integerFrom,
  isSchema,
  named,
  objectWith,
  oneOf,
  options,
  schema,
  share,
  synchronous,
  text,
  trueOrFalse,
  wholeDuration,
} from './expectations.ts';
import { numberMax } from './number.ts';
import type { OrderByNumber, RetryPolicy, SkipPolicy, VersionedState } from './pipeline-options.ts';
import { Place } from './place.ts';
import type { ScheduleOptions } from './schedule.ts';
import type { Schema } from './schema.ts';
import { isStorableText } from './text.ts';
import type { Turn } from './turn.ts';

/* Checks every option of a pipeline, for programs without a compiler. `resolve-pipeline.ts` checks how options combine. */

const retryPolicy: OptionTable<RetryPolicy> = {
  attempts: integerFrom(1),
  backoff: duration,
  maxBackoff: duration,
  jitter: share,
};

const skipPolicy: OptionTable<SkipPolicy> = {
  skipAfter: required(duration),
  maxJump: integerFrom(1),
};

const orderByNumber: OptionTable<OrderByNumber<unknown>> = {
  by: required(synchronous('(event) => event.number')),
  from: integerFrom(0, numberMax),
  gap: either('wait', "wait or { skipAfter: '5m' }", skipPolicy),
  maxPending: integerFrom(1),
  alarmAfter: duration,
};

const versionedState: OptionTable<VersionedState<Schema>> = {
  schema: required(schema),
  version: required(integerFrom(1)),
  upgrade: required(synchronous('(stored, from) => ({ ...stored, added: 0 })')),
};

const deliveryRetry: OptionTable<DeliveryRetry> = {
  ...retryPolicy,
  by: oneOf('outbox', 'pipeline'),
};

const rateLimit: OptionTable<NonNullable<EndpointOptions<unknown, Turn, unknown>['rateLimit']>> = {
  calls: required(integerFrom(1)),
  per: required(wholeDuration),
};

const endpoint: OptionTable<EndpointOptions<unknown, Turn, unknown>> = {
  to: required(objectWith('a transport, such as http(…)', ['call'], ['open', 'close', 'address'])),
  concurrency: integerFrom(1),
  rateLimit: options(rateLimit),
  timeout: duration,
  retry: options(deliveryRetry),
  order: oneOf('none', 'key'),
  outcome: aFunction(),
};

const schedule: OptionTable<ScheduleOptions<unknown>> = {
  source: required(anyFunction),
  every: wholeDuration,
  cron: text,
  timezone: text,
  batch: integerFrom(1),
  concurrency: integerFrom(1),
  timeout: wholeDuration,
};

const pipelineOptions: OptionTable<DeclaredOptions> = {
  event: required(schema),
  inexactNumbers: oneOf('refuse', 'text'),
  key: synchronous('(event) => event.id'),
  id: synchronous('(event) => event.id'),
  deduplicationWindow: duration,
  order: options(orderByNumber),
  state: checkState,
  tables: checkTables,
  handle: required(aFunction()),
  timers: named('functions', aFunction(), checkTimerName),
  deliver: named('endpoints', options(endpoint), checkEndpointName),
  from: objectWith('an inlet, such as kafka(…)', ['topic', 'read', 'decode'], ['open', 'close']),
  schedule: options(schedule),
  retry: options(retryPolicy),
  onGiveUp: oneOf('park', 'skip'),
  concurrency: integerFrom(1),
  timeout: duration,
  retain: duration,
  run: oneOf('inline', 'threads'),
  module: text,
  genericIngest: trueOrFalse,
  timeline: trueOrFalse,
};

/** Checks the name and every option of `pipeline(name, options)`. Throws `MILL_INVALID_DECLARATION`. */
export function checkPipeline(name: unknown, declared: unknown): void {
  if (!isName(name)) new Place('pipeline', code).expected('a name of lower-case letters, digits and _, at most 40', name);
  checkOptions(declared, pipelineOptions, new Place(`pipeline ${name}`, code));
}

const code = 'MILL_INVALID_DECLARATION';

function checkState(value: unknown, place: Place): void {
  if (isSchema(value)) return;
  if (typeof value !== 'object' || value === null || !('schema' in value))
    place.expected('a Standard Schema, such as one of zod, or { schema, version, upgrade }', value);
  options(versionedState)(value, place);
}

function checkTables(value: unknown, place: Place): void {
  if (isTable(value)) place.refuse(`expected an object of tables, found the table ${value.name} itself; write { ${value.name} }`);
  named('tables', checkTable)(value, place);
}

function checkTable(value: unknown, place: Place): void {
  if (!isTable(value)) place.expected('a table, made by table(…)', value);
}

function checkTimerName(name: string, place: Place): void {
  if (name.includes('/') || !isStorableText(name))
    place.refuse(`expected names of well-formed text without / and U+0000, found ${describeFound(name)}`);
}

function checkEndpointName(name: string, place: Place): void {
  if (!isName(name)) place.refuse(`expected names of lower-case letters, digits and _, at most 40, found ${describeFound(name)}`);
}
