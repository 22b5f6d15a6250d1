import type { InletEvent, InletRecord } from '../pipeline/inlet.ts';
import { headerOf, invalid, parseJson, textOf } from './record-text.ts';

/** The required CloudEvents attributes. */
const required = ['id', 'source', 'specversion', 'type'] as const;

/**
 * Returns the CloudEvents 1.0 in a record, by the protocol binding for Kafka: structured or batched if the content type says
 * `application/cloudevents…`, otherwise binary, with the attributes in headers `ce_…` (`ce-…` is accepted as well). Throws
 * `MILL_INVALID_EVENT` for anything else.
 */
export function cloudEventsOf(record: InletRecord): readonly InletEvent[] {
  const contentType = headerOf(record, 'content-type') ?? '';
  const mediaType = contentType.toLowerCase();
  if (mediaType.startsWith('application/cloudevents-batch')) {
    const events = parseJson(textOf(record.value ?? new Uint8Array()));
    if (!Array.isArray(events)) throw invalid('expected a batch of CloudEvents, a JSON array, found another value');
    return events.map(checked);
  }
  if (mediaType.startsWith('application/cloudevents')) return [checked(parseJson(textOf(record.value ?? new Uint8Array())))];
  return [checked(binary(record, contentType))];
}

/** Returns whether a record's headers are the attributes of a CloudEvent. Then it is an event even without a value: one without data. */
export function hasAttributes(record: InletRecord): boolean {
  return (headerOf(record, 'ce_specversion') ?? headerOf(record, 'ce-specversion')) !== undefined;
}

function binary(record: InletRecord, contentType: string): unknown {
  const attributes: Record<string, unknown> = {};
  for (const { name, value } of record.headers) {
    const attribute = /^ce[_-](?<name>[a-z0-9]+)$/i.exec(name)?.groups?.name;
    if (attribute !== undefined && value !== null) attributes[attribute.toLowerCase()] = textOf(value);
  }
  if (contentType !== '') attributes.datacontenttype = contentType;
  if (record.value === null || record.value.length === 0) return attributes;
  const isJson = contentType === '' || /^[^;]*[/+]json\s*(?:;|$)/i.test(contentType);
  if (isJson) return { ...attributes, data: parseJson(textOf(record.value)) };
  if (/^text\//i.test(contentType)) return { ...attributes, data: textOf(record.value) };
  return { ...attributes, data_base64: Buffer.from(record.value).toString('base64') };
}

function checked(event: unknown): InletEvent {
  if (typeof event !== 'object' || event === null) throw invalid('expected a CloudEvent, an object, found another value');
  const attributes: Readonly<Record<string, unknown>> = { ...event };
  const missing = required.filter((name) => typeof attributes[name] !== 'string' || attributes[name] === '');
  if (missing.length > 0) throw invalid(`expected a CloudEvent, found none of its attributes ${missing.join(', ')}`);
  const { traceparent, specversion } = attributes;
  if (specversion !== '1.0') throw invalid(`expected a CloudEvent of version 1.0, found version ${specversion}`);
  return { event, traceparent: typeof traceparent === 'string' ? traceparent : undefined };
}
