import { checkOptions, type OptionTable, required } from '../pipeline/check-options.ts';
import { integerFrom, objectWith, options, synchronous } from '../pipeline/expectations.ts';
import { isPipeline } from '../pipeline/is-pipeline.ts';
import { Place } from '../pipeline/place.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { defaultLimits, type Limits } from './limits.ts';
import type { Logger } from './logger.ts';
import type { MillOptions } from './mill-options.ts';
import type { Tracing } from './tracing.ts';

/** The methods of a type that a user may implement. A table with a missing or an extra one does not compile. */
type Methods<T> = { readonly [Name in keyof T as T[Name] extends (...args: never[]) => unknown ? Name : never]-?: true };

const storeMethods: Methods<Store> = {
  open: true,
  claim: true,
  beat: true,
  append: true,
  sourceOffsets: true,
  progress: true,
  read: true,
  load: true,
  keys: true,
  held: true,
  heldKeys: true,
  gaps: true,
  dueCauses: true,
  nextCauseDue: true,
  dueDeliveries: true,
  dueByFlow: true,
  nextDeliveryDue: true,
  dueMoments: true,
  pendingOrigins: true,
  listen: true,
  deadLetters: true,
  countDeadLetters: true,
  deadLetterGroups: true,
  prune: true,
  query: true,
  deliveryNames: true,
  deliveriesOfKey: true,
  timers: true,
  deliveries: true,
  setPaused: true,
  noteAudit: true,
  audit: true,
  forgetAudit: true,
  blocksOfKey: true,
  block: true,
  eventsAt: true,
  forgetBlocks: true,
  inventory: true,
  forget: true,
  close: true,
  stats: true,
};

const clockMethods: Methods<Clock> = { now: true, elapsedMs: true, alarm: true, after: true, whenTurnedBack: true };
const logMethods: Methods<Logger> = { debug: true, info: true, warn: true, error: true, child: true };
const tracingMethods: Methods<Tracing> = { start: true };

/** Every limit is a finite whole number. */
const limits = Object.fromEntries(Object.keys(defaultLimits).map((name) => [name, integerFrom(1)])) as OptionTable<Limits>;

/** The options of every engine, including one under test. */
export const engineOptions = {
  limits: options(limits),
  log: objectWith("a logger, such as pino's", Object.keys(logMethods)),
  tracing: objectWith('an object that starts spans, such as openTelemetry() returns', Object.keys(tracingMethods)),
};

const hasStoreMethods = objectWith("a store, such as sqlite('data/millrace.db') or memory()", Object.keys(storeMethods));

export function store(value: unknown, place: Place): void {
  hasStoreMethods(value, place);
  integerFrom(1)((value as Store).partitions, place.at('partitions'));
}

const millOptions: OptionTable<MillOptions> = {
  store: required(store),
  pipelines: required(checkPipelines),
  ...engineOptions,
  clock: objectWith('a clock', Object.keys(clockMethods)),
  random: synchronous('Math.random'),
};

/** Checks the options of `millrace(…)`. Throws `MILL_INVALID_CONFIGURATION`. */
export function checkMillOptions(declared: unknown): void {
  checkOptions(declared, millOptions, new Place('millrace', 'MILL_INVALID_CONFIGURATION'));
}

/** Refuses anything but an array of pipelines. The engine checks whether they are compatible. */
export function checkPipelines(value: unknown, place: Place): void {
  if (isPipeline(value)) place.refuse(`expected an array of pipelines, found the pipeline ${value.name} itself; write [${value.name}]`);
  if (!Array.isArray(value)) place.expected('an array of pipelines', value);
  for (const [at, item] of value.entries()) {
    if (!isPipeline(item)) place.at(at).expected('a pipeline, made by pipeline(…)', item);
  }
}
