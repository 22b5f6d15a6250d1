import type { TransportLogger } from './endpoint.ts';

/** A record of a broker: one entry of a partition of a topic. */
export interface InletRecord {
  /** Its position in the partition. A partition's offsets rise, with possible gaps. */
  readonly offset: number;
  /** The time at which it was written, in milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  /** Null for a record without a value, which a compacted topic calls a tombstone. */
  readonly value: Uint8Array | null;
  readonly headers: readonly InletHeader[];
}

export interface InletHeader {
  readonly name: string;
  readonly value: Uint8Array | null;
}

/** A topic in its present state at the broker. */
export interface InletTopic {
  /** Stays the same for the topic's lifetime, and changes when the topic is deleted and created anew. */
  readonly id: string;
  readonly partitions: readonly InletPartition[];
}

export interface InletPartition {
  readonly partition: number;
  /** The lowest offset that can be read. */
  readonly earliest: number;
  /** The offset after the last readable record. */
  readonly end: number;
}

/** A request for records: for each partition, those from an offset on. */
export interface InletRequest {
  readonly positions: readonly { readonly partition: number; readonly offset: number }[];
  /** Maximum time for the broker to wait for the first record, in milliseconds. */
  readonly waitMs: number;
  /** Approximate byte limit per partition; a single record may be larger. */
  readonly bytesMax: number;
}

/** Records of one partition, in the order of their offsets. */
export interface InletRead {
  readonly partition: number;
  readonly records: readonly InletRecord[];
  /** The offset to read next, after the last record and any gaps. */
  readonly next: number;
  /** The offset after the last readable record, if the broker gave it. */
  readonly end?: number | undefined;
}

/** An event found in a record. */
export interface InletEvent {
  readonly event: unknown;
  /** The `id` of `ingest`. */
  readonly id?: string | undefined;
  /** The trace the event belongs to, as a W3C Trace Context `traceparent`. */
  readonly traceparent?: string | undefined;
}

/**
 * A topic of a broker that a pipeline takes events from: the mirror image of a `Transport`. The engine decides which partitions this
 * process reads and from where; an inlet keeps no position and joins no consumer group.
 */
export interface Inlet {
  /**
   * Names the topic, in the store and for people, such as `kafka:orders`: at most 255 bytes. It must never change, or the topic is read
   * again from its beginning.
   */
  readonly name: string;
  /** The id of a topic accepted as the replacement of an earlier one with the same name. Without it a recreated topic is not read. */
  readonly acceptedTopicId?: string | undefined;
  /**
   * Continues with the earliest record if some were deleted before they were read. Default false: the partition is not read any further.
   */
  readonly mayLoseRecords?: boolean | undefined;

  /** Called once, when the engine starts. Loads its dependencies but makes no connections; an exception aborts the start. */
  open?(log: TransportLogger): void | Promise<void>;
  /** Asks the broker for the topic. Throws while the broker is unreachable, and is then called again. */
  topic(signal: AbortSignal): Promise<InletTopic>;
  /**
   * Reads records. Resolves once any partition has some, or the wait is over; may leave partitions out. Throws if the broker is unreachable
   * or lacks an offset; the engine then asks for the topic again. Ends at once when the signal aborts.
   */
  read(request: InletRequest, signal: AbortSignal): Promise<readonly InletRead[]>;
  /** Returns the events in a record, or none to skip it. If it throws, the record becomes a dead letter. */
  decode(record: InletRecord): readonly InletEvent[];
  /** Called once after the last read, when the engine stops. */
  close?(): void | Promise<void>;
}
