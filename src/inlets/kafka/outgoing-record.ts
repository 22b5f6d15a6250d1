import type { OutgoingCall } from '../../pipeline/endpoint.ts';
import type { KafkaOptions } from './kafka-options.ts';

/** A delivery as a record. */
export interface OutgoingRecord {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: Map<Buffer, Buffer>;
  /** About as many as it takes up in a request. */
  readonly bytes: number;
}

/** What a record takes up beside its key, its value and its headers, at most. */
const framingBytes = 64;

/**
 * The record of a delivery: its payload as JSON, its key, and in headers its id, by which whoever reads it knows a repetition, and what it is part of. As a
 * CloudEvent the same stands in the attributes of CloudEvents.
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

/** By the protocol binding of CloudEvents 1.0 for Kafka, binary. */
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
