import type { InletRead, InletRecord } from '../../pipeline/inlet.ts';

/* A fetch's answer, as far as it is used here; the client's own types may not be installed. */

export interface FetchedPartition {
  readonly partitionIndex: number;
  readonly lastStableOffset: bigint;
  readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null;
  readonly records?: readonly FetchedBatch[] | null;
}

interface FetchedBatch {
  readonly firstOffset: bigint;
  readonly lastOffsetDelta: number;
  readonly attributes: number;
  readonly firstTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly producerId: bigint;
  readonly records: readonly FetchedRecord[];
}

interface FetchedRecord {
  readonly timestampDelta: bigint;
  readonly offsetDelta: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [Uint8Array | null, Uint8Array | null])[];
}

/** Bits of a batch's attributes. */
const bits = { logAppendTime: 0x08, transactional: 0x10, control: 0x20 };
/** The type of the control record for an aborted transaction. */
const abortMarker = 0;

/**
 * Returns the committed records from an offset on, without those of aborted transactions and the broker's own markers. The client leaves
 * some aborted ones in, if their transaction ends after the fetch. As in Kafka's own consumer, a transaction counts as aborted from its
 * first offset up to the marker.
 */
export function committedRecords(partition: FetchedPartition, from: number): InletRead {
  const { partitionIndex, lastStableOffset, abortedTransactions, records: batches } = partition;
  const aborted = new AbortedTransactions(abortedTransactions ?? []);
  const records: InletRecord[] = [];
  let next = from;
  for (const batch of batches ?? []) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    next = Math.max(next, Number(last) + 1);
    aborted.upTo(last);
    if ((batch.attributes & bits.control) !== 0) aborted.marked(batch);
    else if (!aborted.has(batch)) records.push(...recordsOf(batch).filter(({ offset }) => offset >= from));
  }
  return { partition: partitionIndex, records, next, end: Number(lastStableOffset) };
}

/** The transactions that count as aborted at a place of a partition. */
class AbortedTransactions {
  readonly #starts: { readonly producerId: bigint; readonly firstOffset: bigint }[];
  readonly #producers = new Set<bigint>();

  constructor(all: NonNullable<FetchedPartition['abortedTransactions']>) {
    this.#starts = all.toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  }

  /** Counts transactions that begin up to an offset as aborted from now on. */
  upTo(last: bigint): void {
    for (let start = this.#starts[0]; start !== undefined && start.firstOffset <= last; start = this.#starts[0]) {
      this.#producers.add(start.producerId);
      this.#starts.shift();
    }
  }

  /** Handles the broker's marker: an abort marker ends the transaction. */
  marked(batch: FetchedBatch): void {
    if (isAbort(batch)) this.#producers.delete(batch.producerId);
  }

  has({ attributes, producerId }: FetchedBatch): boolean {
    return (attributes & bits.transactional) !== 0 && this.#producers.has(producerId);
  }
}

function recordsOf(batch: FetchedBatch): readonly InletRecord[] {
  return batch.records.map((record) => toRecord(batch, record, Number(batch.firstOffset) + record.offsetDelta));
}

function isAbort({ records }: FetchedBatch): boolean {
  const key = records[0]?.key;
  return key !== undefined && key !== null && Buffer.from(key).readInt16BE(2) === abortMarker;
}

function toRecord(batch: FetchedBatch, { timestampDelta, key, value, headers }: FetchedRecord, offset: number): InletRecord {
  const isOfBroker = (batch.attributes & bits.logAppendTime) !== 0;
  return {
    offset,
    timestamp: Number(isOfBroker ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta),
    key,
    value,
    headers: headers.map(([name, bytes]) => ({ name: Buffer.from(name ?? []).toString('utf8'), value: bytes })),
  };
}
