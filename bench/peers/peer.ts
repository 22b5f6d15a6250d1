import type { WorkEvent } from '../work/event.ts';
import type { HistoryRow } from '../work/verdict.ts';

/** The resources given to a peer. */
export interface PeerMeans {
  /** An empty folder, or that of the killed run. */
  readonly folder: string;
  /** The URL of its own database, on the server it needs; empty if it needs none. */
  readonly database: string;
  /** The port of its own Redis on the loopback. */
  readonly redisPort: number;
  /** Must be called when the effects of an event are durable. */
  readonly handled: (n: number) => void;
}

/**
 * A system that does the work. After its start it is at rest: it accepts events and handles none. `work` and `rest` turn the handling on
 * and off.
 */
export interface Peer {
  /** Creates anything it needs that is missing. */
  start(): Promise<void>;
  /** Resolves when the events are durable. Those of one call are in the order of their keys. */
  ingest(events: readonly WorkEvent[]): Promise<void>;
  work(): Promise<void>;
  /** Resolves when no handler runs or will run. Called when nothing is left to handle. */
  rest(): Promise<void>;
  /** All effects, in order. */
  history(): Promise<HistoryRow[]>;
  /** The sum of the counts in the states of all keys: the number of events the states claim to have received. */
  countOfStates(): Promise<number>;
  stop(): Promise<void>;
}

export type MakePeer = (means: PeerMeans) => Peer;
