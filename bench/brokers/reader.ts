import type { Peer } from '../peers/peer.ts';

/** The resources given to a reader. */
export interface ReaderMeans {
  /** `host:port` of the broker. */
  readonly brokers: string;
  readonly topic: string;
  readonly partitions: number;
  /** An empty folder. */
  readonly folder: string;
  /** The URL of an empty database; empty if the reader needs none. */
  readonly database: string;
  /** Must be called for each event whose effects are durable. */
  handled(): void;
}

/** A program that does the work with the records of a topic, from its beginning. */
export interface Reader extends Pick<Peer, 'history' | 'countOfStates'> {
  /** Resolves once it is reading. A later failure ends the process. */
  start(): Promise<void>;
  /** Resolves when nothing is under way. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export type MakeReader = (means: ReaderMeans) => Reader;
