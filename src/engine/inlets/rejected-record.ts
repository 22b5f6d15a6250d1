import type { InletRecord } from '../../pipeline/inlet.ts';

/** Where a record was read. */
export interface RecordPlace {
  readonly source: string;
  readonly topicId: string;
  readonly partition: number;
}

/** Bytes as they can stand in JSON: a text where they are UTF-8, otherwise base64. */
type Shown = { readonly text: string } | { readonly base64: string } | null;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A record of which no event can be made, as the origin of its dead letter: as JSON, with its place and its bytes. Of a value that is longer than an
 * event may be, the beginning stands there, and its length in bytes.
 *
 * @param element which event of the record it is about, from 0, where the record holds several
 */
export function originOfRecord(place: RecordPlace, record: InletRecord, valueBytesMax: number, element?: number): string {
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
    // They are no text.
  }
  return { base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') };
}
