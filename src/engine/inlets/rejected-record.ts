import type { InletRecord } from '../../pipeline/inlet.ts';

/** The place a record was read from. */
export interface RecordPlace {
  readonly source: string;
  readonly topicId: string;
  readonly partition: number;
}

/** Bytes in a JSON form: a text if they are UTF-8, otherwise base64. */
type Shown = { readonly text: string } | { readonly base64: string } | null;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Returns a record that yields no event in the form of its dead letter: as JSON, with its place and its bytes. A value longer than an event
 * may be is cut, with its length in bytes.
 *
 * @param element the index of the affected event, if the record holds several
 */
export function rejectedRecord(place: RecordPlace, record: InletRecord, valueBytesMax: number, element?: number): string {
  const { source, topicId, partition } = place;
  const { offset, timestamp, key, value, headers } = record;
  const isCut = value !== null && value.length > valueBytesMax;
  return JSON.stringify({
    source,
    topicId,
    partition,
    offset,
    ...(element !== undefined && { element }),
    timestamp,
    key: shown(key),
    headers: headers.map((header) => ({ name: header.name, value: shown(header.value) })),
    value: shown(isCut ? value.subarray(0, valueBytesMax) : value),
    ...(isCut && { length: value.length }),
  });
}

function shown(bytes: Uint8Array | null): Shown {
  if (bytes === null) return null;
  try {
    const text = utf8.decode(bytes);
    // Databases hold no U+0000 in texts.
    if (!text.includes('\0')) return { text };
  } catch {
    // They are not text.
  }
  return { base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') };
}
