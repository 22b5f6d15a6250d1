import type { TransportLogger } from './endpoint.ts';

/** A record of a broker: one entry of a partition of a topic. */
export interface InletRecord {
  /** Its place in the partition. The offsets of a partition rise, and some may be missing. */
  readonly offset: number;
  /** When it was written, in milliseconds since 1970. */
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

/** A topic as the broker has it now. */
export interface InletTopic {
  /** The same for the life of the topic, and another one once it was deleted and created anew. */
  readonly id: string;
  readonly partitions: readonly InletPartition[];
}

export interface InletPartition {
  readonly partition: number;
  /** The lowest offset that can be read. */
  readonly earliest: number;
  /** The offset behind the last record that can be read. */
  readonly end: number;
}

/** What is to be read: of each partition the records from an offset on. */
export interface InletRequest {
  readonly positions: readonly { readonly partition: number; readonly offset: number }[];
  /** How long the broker may wait for the first record, in milliseconds. */
  readonly waitMs: number;
  /** About how many bytes are read of a partition at most; a single record may have more. */
  readonly bytesMax: number;
}

/** Records of one partition, in the order of their offsets. */
export interface InletRead {
  readonly partition: number;
  readonly records: readonly InletRecord[];
  /** Where to read on: behind the last record, and behind places that have none. */
  readonly next: number;
  /** The offset behind the last record that can be read, as far as the broker said so. */
  readonly end?: number | undefined;
}

/** An event that a record holds. */
export interface InletEvent {
  readonly event: unknown;
  /** As the `id` of `ingest`. */
  readonly id?: string | undefined;
  /** What the event is part of, in the form of W3C Trace Context. */
  readonly traceparent?: string | undefined;
}

/**
 * A topic of a broker that a pipeline takes events from: the mirror image of a `Transport`. The engine decides which partitions this process
 * reads and from where; an inlet keeps no position of its own and joins no consumer group.
 */
export interface Inlet {
  /** Names the topic, in the store and for people, such as `kafka:orders`: at most 255 bytes. Never to change, or the topic is read from its beginning. */
  readonly name: string;
  /**
   * The id of a topic that takes the place of another one of its name, where somebody has decided so. Without it a topic that was created
   * anew is not read.
   */
  readonly acceptedTopicId?: string | undefined;
  /** Whether to go on with the earliest record where some were deleted before they were read. Default false: the partition is not read on. */
  readonly mayLoseRecords?: boolean | undefined;

  /** Called once, when the engine starts. Loads what it needs, and connects to nothing: what it throws ends the start. */
  open?(log: TransportLogger): void | Promise<void>;
  /** Asks the broker for the topic. Throws while it cannot be reached; it is asked again. */
  topic(signal: AbortSignal): Promise<InletTopic>;
  /**
   * Reads records. Answers once there are some in any of the partitions, or the time to wait is over; may leave partitions out. Throws
   * where the broker cannot be reached or has not got an offset; the topic is asked for again then. Ends at once when the signal aborts.
   */
  read(request: InletRequest, signal: AbortSignal): Promise<readonly InletRead[]>;
  /** The events that a record holds, none where it is to be passed over. What it throws makes a dead letter of the record. */
  decode(record: InletRecord): readonly InletEvent[];
  /** Called once after the last read, when the engine stops. */
  close?(): void | Promise<void>;
}
