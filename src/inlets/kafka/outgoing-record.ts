import type { OutgoingCall } from '../../pipeline/endpoint.ts';
import type { KafkaOptions } from './kafka-options.ts';

/** A delivery as a record. */
export interface OutgoingRecord {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: Map<Buffer, Buffer>;
  /** Its approximate size in a request. */
  readonly bytes: number;
}

/** Maximum overhead of a record besides its key, value and headers. */
const framingBytes = 64;

/**
 * Returns the record of a delivery: its payload as JSON, its key, and as headers its id, by which readers recognise repetitions, and its
 * trace. A CloudEvent has the same in its attributes.
 */
export function recordOf(call: OutgoingCall, { recordKey, cloudEvents = false }: KafkaOptions): OutgoingRecord {
  const key = recordKey === undefined ? call.key : recordKey(call);
  const headers: Record<string, string> = {
    'millrace-delivery-id': call.id,
    'content-type': 'application/json',
    ...(call.traceparent !== undefined && { traceparent: call.traceparent }),
    ...(cloudEvents !== false && attributesOf(call, cloudEvents === true ? {} : cloudEvents)),
  };
  const entries = Object.entries(headers).map(([name, value]): [Buffer, Buffer] => [Buffer.from(name), Buffer.from(value)]);
  const value = Buffer.from(call.body);
  const bytes = entries.reduce(
    (sum, [name, text]) => sum + name.length + text.length + 4,
    framingBytes + value.length + (key?.length ?? 0),
  );
  return { key: key === null ? null : Buffer.from(key), value, headers: new Map(entries), bytes };
}

/** By the binary protocol binding of CloudEvents 1.0 for Kafka. */
function attributesOf(
  { id, pipeline, endpoint, askedAt, key }: OutgoingCall,
  { source = `/pipelines/${pipeline}`, type = `${pipeline}.${endpoint}` }: { readonly source?: string; readonly type?: string },
): Record<string, string> {
  return {
    ce_specversion: '1.0',
    ce_id: id,
    ce_source: source,
    ce_type: type,
    ce_time: new Date(askedAt).toISOString(),
    ce_partitionkey: key,
  };
}
