import type { InletRecord } from '../../pipeline/inlet.ts';
import type { PulledMessage } from './pull.ts';

const utf8 = new TextEncoder();

/** Converts a message to a record: its offset is the sequence, its key the subject. */
export function recordOf({ sequence, timestamp, subject, headers, body }: PulledMessage): InletRecord {
  return {
    offset: sequence,
    timestamp,
    key: utf8.encode(subject),
    value: body,
    headers: headers.map(([name, value]) => ({ name, value: utf8.encode(value) })),
  };
}

/** Returns a record with plain CloudEvents attributes: in NATS headers they are percent-encoded. */
export function withPlainAttributes(record: InletRecord): InletRecord {
  return {
    ...record,
    headers: record.headers.map(({ name, value }) => ({ name, value: value !== null && /^ce-/i.test(name) ? plain(value) : value })),
  };
}

function plain(value: Uint8Array): Uint8Array {
  try {
    return utf8.encode(decodeURIComponent(Buffer.from(value).toString('utf8')));
  } catch {
    // A stray % stands for itself.
    return value;
  }
}
