import type { WorkEvent } from '../work/event.ts';
import type { HistoryRow } from '../work/verdict.ts';

/** The resources given to a peer. */
export interface PeerMeans {
  /** An empty folder, or that of the run that was killed. */
  readonly folder: string;
  /** The URL of a database of its own, on the server that it needs; empty where it needs none. */
  readonly database: string;
  /** The port of a Redis of its own on the loopback. */
  readonly redisPort: number;
  /** To be called when the effects of an event are durable. */
  readonly handled: (n: number) => void;
}

/**
 * A system that does the work. It is started, then it is at rest: it takes events in and handles none. `work` and `rest`
 * turn the handling on and off.
 */
export interface Peer {
  /** Makes what it needs where that is missing. */
  start(): Promise<void>;
  /** Resolves when the events are durable. Those of one call are in the order of their keys. */
  ingest(events: readonly WorkEvent[]): Promise<void>;
  work(): Promise<void>;
  /** Resolves when no handler runs and none will. Asked for when there is nothing left to handle. */
  rest(): Promise<void>;
  /** All effects, in their order. */
  history(): Promise<HistoryRow[]>;
  /** The sum of the counts in the states of all keys: the events that the states say they have had. */
  countOfStates(): Promise<number>;
  stop(): Promise<void>;
}

export type MakePeer = (means: PeerMeans) => Peer;
