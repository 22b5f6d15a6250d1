import type { OptionTable } from '../pipeline/check-options.ts';
import { oneOf, synchronous, text } from '../pipeline/expectations.ts';
import type { InletEvent, InletRecord } from '../pipeline/inlet.ts';
import { cloudEventsOf, hasAttributes } from './cloud-events.ts';
import { headerOf, invalid, parseJson, textOf } from './record-text.ts';

/** The format of records' values. */
export type InletValue = 'json' | 'json-array' | 'cloudevents';

/** Conversion of records to events, for any broker. */
export interface ValueOptions {
  /**
   * - `json` (default): a JSON text, the event.
   * - `json-array`: a JSON text of an array, each element of which is an event.
   * - `cloudevents`: CloudEvents 1.0, structured, batched or binary. The event is the CloudEvent as an object, `data` as JSON where it is JSON.
   */
  readonly value?: InletValue;
  /**
   * Converts a record to events with custom code, instead of `value`. An empty result skips the record. An exception makes it a dead
   * letter.
   */
  readonly decode?: (record: InletRecord) => readonly InletEvent[];
  /** The property of an event that receives the record's key, as text, unless the event already has it. */
  readonly key?: string;
  /** The property of an event that receives the record's headers, as an object of texts. */
  readonly headers?: string;
  /**
   * The treatment of a record without a value: a dead letter (`reject`, the default), or nothing (`skip`). With `decode` that function
   * decides.
   */
  readonly tombstones?: 'reject' | 'skip';
}

/** The checks of these options, for inlets of other brokers too. */
export const valueOptions: OptionTable<ValueOptions> = {
  value: oneOf('json', 'json-array', 'cloudevents'),
  decode: synchronous('(record) => [{ event: … }]'),
  key: text,
  headers: text,
  tombstones: oneOf('reject', 'skip'),
};

/** Returns a function that converts records to events. */
export function decoderOf(options: ValueOptions): (record: InletRecord) => readonly InletEvent[] {
  const { value = 'json', decode, tombstones = 'reject' } = options;
  if (decode !== undefined) return (record) => withTrace(record, decode(record));
  return (record) => {
    const isEmpty = record.value === null || record.value.length === 0;
    if (isEmpty && !(value === 'cloudevents' && hasAttributes(record))) {
      if (tombstones === 'skip') return [];
      throw invalid('expected a value, found a record without one (a tombstone)');
    }
    const events = value === 'cloudevents' ? cloudEventsOf(record) : jsonEventsOf(record.value ?? new Uint8Array(), value);
    return withTrace(
      record,
      events.map((event) => ({ ...event, event: complete(event.event, record, options) })),
    );
  };
}

function jsonEventsOf(bytes: Uint8Array, value: 'json' | 'json-array'): readonly InletEvent[] {
  const event = parseJson(textOf(bytes));
  if (value === 'json') return [{ event }];
  if (!Array.isArray(event)) throw invalid('expected a JSON array, found another value');
  return event.map((element: unknown) => ({ event: element }));
}

/** An event belongs to its record's trace, unless it says otherwise. */
function withTrace(record: InletRecord, events: readonly InletEvent[]): readonly InletEvent[] {
  const traceparent = headerOf(record, 'traceparent');
  return traceparent === undefined ? events : events.map((event) => ({ ...event, traceparent: event.traceparent ?? traceparent }));
}

/** Adds the record's additional data to the event. Modifies the object itself, because the engine tracks rounded numbers by object. */
function complete(event: unknown, record: InletRecord, { key, headers }: ValueOptions): unknown {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return event;
  if (key !== undefined && !Object.hasOwn(event, key) && record.key !== null) define(event, key, textOf(record.key));
  if (headers !== undefined) {
    const texts = record.headers.map(({ name, value }) => [name, value === null ? null : Buffer.from(value).toString('utf8')]);
    define(event, headers, Object.fromEntries(texts));
  }
  return event;
}

/** Not by assignment, which would treat `__proto__` differently. */
function define(event: object, property: string, value: unknown): void {
  Object.defineProperty(event, property, { value, enumerable: true, configurable: true, writable: true });
}
