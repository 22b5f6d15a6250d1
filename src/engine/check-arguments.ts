import { type Check, checkOptions, type OptionTable, required } from '../pipeline/check-options.ts';
import { arrayOf, duration, expect, integerFrom, objectWith, toDuration } from '../pipeline/expectations.ts';
import { isMoment } from '../pipeline/moment.ts';
import { Place } from '../pipeline/place.ts';
import { hasAtMost } from '../pipeline/text.ts';
import type {
  AuditQuery,
  DeadLetterFilter,
  DeadLetterGroupQuery,
  DeadLetterKind,
  DeadLetterQuery,
  OperationQuery,
} from '../store/store.ts';
import { reasonLengthMax } from './audit.ts';
import type { IngestOptions } from './identify.ts';
import type {
  AskedOperation,
  ByWhom,
  DeliveryListQuery,
  DiscardOptions,
  Freshness,
  GapsQuery,
  KeyListQuery,
  KeyStanding,
  OperationFilter,
  StopOptions,
  TimerListQuery,
  WaitingKey,
} from './mill-options.ts';
import type { ReadOptions } from './reads.ts';

/*
 * Checks arguments for callers without a compiler. Each check throws MILL_INVALID_REQUEST with the name of the method. Checks on the hot
 * path look at types first, and consult the table only if something is wrong.
 */

const aText: Check = expect('a text', (value) => typeof value === 'string');
const texts: Check = arrayOf('texts', aText);
const milliseconds: Check = expect('milliseconds, at least 0', (value) => typeof value === 'number' && value >= 0);

const ingestOptions: OptionTable<IngestOptions> = { id: aText, traceparent: aText };
const batchOptions: OptionTable<Pick<IngestOptions, 'traceparent'>> = { traceparent: aText };
const patience: OptionTable<Omit<ReadOptions, 'charactersMax'>> = {
  signal: objectWith('an AbortSignal', ['addEventListener', 'removeEventListener']),
  timeoutMs: milliseconds,
};
const reading: OptionTable<ReadOptions> = { ...patience, charactersMax: integerFrom(1) };
const freshness: OptionTable<Freshness> = { ...patience, waitMs: milliseconds };
const stopOptions: OptionTable<StopOptions> = { timeoutMs: milliseconds };
const byWhom: OptionTable<ByWhom> = {
  who: expect('a text or null', (value) => value === null || typeof value === 'string'),
  reason: expect(
    `a text of at most ${reasonLengthMax} characters`,
    (value) => typeof value === 'string' && hasAtMost(value, reasonLengthMax),
  ),
};
const discardOptions: OptionTable<DiscardOptions> = {
  key: aText,
  by: (value, place) => checkOptions(value, byWhom, place),
};
const auditQuery: OptionTable<AuditQuery> = { pipeline: aText, key: aText, before: aText, limit: integerFrom(1) };
const pauseOptions: OptionTable<{ readonly for?: unknown }> = { for: duration };
const kinds: readonly DeadLetterKind[] = ['event', 'timer', 'outcome', 'delivery', 'gap', 'origin', 'rejected'];
const aMoment = expect('a moment, in milliseconds since 1970', (value) => typeof value === 'number' && isMoment(value));
const deadLetterFilter: OptionTable<DeadLetterFilter> = {
  pipeline: aText,
  kind: expect(`one of ${kinds.join(', ')}`, (value) => kinds.some((one) => one === value)),
  key: aText,
  reason: aText,
  from: aMoment,
  to: aMoment,
  upTo: aText,
  ids: texts,
};
const deadLetterQuery: OptionTable<DeadLetterQuery> = {
  ...deadLetterFilter,
  id: aText,
  after: aText,
  limit: integerFrom(1),
};

const deadLetterGroupQuery: OptionTable<DeadLetterGroupQuery> = {
  pipeline: aText,
  kind: deadLetterFilter.kind,
  since: required(aMoment),
  limit: required(integerFrom(1)),
};
const { upTo: _, pipeline: _1, ...operationFilter } = deadLetterFilter;
const askedOperation: OptionTable<AskedOperation> = {
  action: required(expect('redrive or discard', (value) => value === 'redrive' || value === 'discard')),
  filter: required((value, place) =>
    checkOptions(value, { ...operationFilter, pipeline: required(aText) } satisfies OptionTable<OperationFilter>, place),
  ),
  startAfterMs: integerFrom(0),
};
const operationQuery: OptionTable<OperationQuery> = {
  id: aText,
  pipeline: aText,
  isOpen: expect('true or false', (value) => typeof value === 'boolean'),
  before: aText,
  limit: integerFrom(1),
};
const standings: readonly KeyStanding[] = ['open', 'waiting', 'blocked', 'parked'];
const keyListQuery: OptionTable<KeyListQuery> = {
  status: expect(`one of ${standings.join(', ')}`, (value) => standings.some((one) => one === value)),
  prefix: aText,
  after: aText,
  limit: integerFrom(1),
};

const timerListQuery: OptionTable<TimerListQuery> = {
  name: aText,
  prefix: aText,
  before: expect('milliseconds since 1970', (value) => typeof value === 'number' && isMoment(value)),
  after: expect('a timer from an earlier answer', (value) => haveTexts(value, 'key', 'name') && isMoment(Number(Object(value).dueAt))),
  limit: integerFrom(1),
};
const deliveryListQuery: OptionTable<DeliveryListQuery> = {
  endpoint: aText,
  key: aText,
  after: expect('a delivery from an earlier answer', (value) => haveTexts(value, 'endpoint', 'key', 'id')),
  limit: integerFrom(1),
};

const gapsQuery: OptionTable<GapsQuery> = { after: expect('a gap from an earlier answer', isGapPlace), limit: integerFrom(1) };

/** @param call the method, as messages name it */
export function checkIngestOptions(call: string, options: IngestOptions | undefined): void {
  if (options !== undefined && !areTexts(options, 'id')) checkOptions(options, ingestOptions, placeOf(call));
}

export function checkBatch(call: string, events: unknown, options: IngestOptions | undefined): void {
  if (!Array.isArray(events)) placeOf(call).at('events').expected('an array of events', events);
  if (options !== undefined && !areTexts(options)) checkOptions(options, batchOptions, placeOf(call));
}

/** Returns whether options hold only texts under allowed names. */
function areTexts(options: IngestOptions, other?: 'id'): boolean {
  if (typeof options !== 'object' || options === null) return false;
  for (const name in options) if (name !== 'traceparent' && name !== other) return false;
  return isTextOrAbsent(options.id) && isTextOrAbsent(options.traceparent);
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

export function checkFreshness(call: string, options: unknown): void {
  checkOptions(options, freshness, placeOf(call));
}

export function checkReading(call: string, options: unknown): void {
  checkOptions(options, reading, placeOf(call));
}

export function checkStop(options: unknown): void {
  checkOptions(options, stopOptions, placeOf('stop'));
}

/** @param call the method, as messages name it */
export function checkDiscard(call: string, options: unknown): void {
  checkOptions(options, discardOptions, placeOf(call));
}

/** @param call the method, as messages name it */
export function checkByWhom(call: string, by: unknown): void {
  if (by !== undefined) checkOptions(by, byWhom, placeOf(call).at('by'));
}

export function checkAuditQuery(query: unknown): void {
  checkOptions(query, auditQuery, placeOf('audit'));
}

export function checkPause(options: unknown): void {
  checkOptions(options, pauseOptions, placeOf('pause'));
}

export function checkDeadLetterQuery(query: unknown): void {
  checkOptions(query, deadLetterQuery, placeOf('deadLetters'));
}

/** @param call the method, as messages name it */
export function checkDeadLetterFilter(call: string, filter: unknown): void {
  checkOptions(filter, deadLetterFilter, placeOf(call));
}

export function checkDeadLetterGroupQuery(query: unknown): void {
  checkOptions(query, deadLetterGroupQuery, placeOf('deadLetterGroups'));
}

export function checkOperation(asked: unknown): void {
  checkOptions(asked, askedOperation, placeOf('operate'));
}

export function checkOperationQuery(query: unknown): void {
  checkOptions(query, operationQuery, placeOf('operations'));
}

function isGapPlace(value: unknown): value is Pick<WaitingKey, 'since' | 'key'> {
  if (typeof value !== 'object' || value === null || !('since' in value) || !('key' in value)) return false;
  return typeof value.since === 'number' && isMoment(value.since) && typeof value.key === 'string';
}

export function checkKeyListQuery(query: unknown): void {
  checkOptions(query, keyListQuery, placeOf('listKeys'));
}

export function checkTimerListQuery(query: unknown): void {
  checkOptions(query, timerListQuery, placeOf('timers'));
}

export function checkDeliveryListQuery(query: unknown): void {
  checkOptions(query, deliveryListQuery, placeOf('deliveries'));
}

/** @param call the method, as messages name it */
export function checkDeliveryName(call: string, name: unknown): void {
  if (!haveTexts(name, 'endpoint', 'key', 'id')) placeOf(call).at('delivery').expected('an endpoint, a key and an id', name);
}

function haveTexts(value: unknown, ...names: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && names.every((name) => typeof Reflect.get(value, name) === 'string');
}

export function checkGapsQuery(query: unknown): void {
  checkOptions(query, gapsQuery, placeOf('gaps'));
}

/** @param what names the argument in messages */
export function checkText(call: string, what: string, value: unknown): void {
  if (typeof value !== 'string') placeOf(call).at(what).expected('a text', value);
}

export function checkTexts(call: string, what: string, values: unknown): void {
  texts(values, placeOf(call).at(what));
}

export function checkTimeout(call: string, timeoutMs: unknown): void {
  milliseconds(timeoutMs, placeOf(call).at('timeoutMs'));
}

/** Returns the milliseconds of a duration argument. */
export function durationOf(call: string, value: unknown): number {
  return toDuration(value, placeOf(call));
}

function placeOf(call: string): Place {
  return new Place(call, 'MILL_INVALID_REQUEST');
}
