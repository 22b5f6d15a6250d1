import type { Distribution } from '../work/distribution.ts';
import type { HistoryRow } from '../work/verdict.ts';

/** Options for starting a peer. */
export interface StartOptions {
  readonly peer: string;
  readonly folder: string;
  readonly database: string;
  readonly redisPort: number;
  readonly keys: number;
  readonly seed: number;
  /** The index of this process among those that share the work, from 0, and their number; absent: it is alone. */
  readonly place?: { readonly nth: number; readonly of: number };
  /** The longest wait without progress. */
  readonly stallMs: number;
}

/** Calls from the program to the process that hosts a peer. All times are in milliseconds. */
export interface Calls {
  /** Leaves it at rest. */
  start(options: StartOptions): Promise<void>;
  /** Starts it after a kill, with its handlers working. */
  recover(options: StartOptions): Promise<void>;
  /** From the beginning of `recover` to the first handled event; null while there is none. */
  firstProgress(): Promise<number | null>;
  /** Starts the handlers. */
  work(): Promise<void>;
  rest(): Promise<void>;
  /** Takes this many events in; resolves to the time it took. */
  fill(count: number): Promise<number>;
  /** Works until all accepted events are handled; resolves to the time it took. */
  drain(): Promise<number>;
  saturate(seconds: number, window: number): Promise<number>;
  openLoop(seconds: number, rate: number): Promise<Distribution>;
  /** Takes batches in until the process is killed. A notice reports each acknowledged batch. */
  pour(ahead: number): Promise<void>;
  /** Processor time of the host so far, in all its threads. */
  cpu(): Promise<number>;
  /** Returns how many events, taken in here or elsewhere, this process has handled, and the time of the last: milliseconds since 1970. */
  progress(): Promise<{ readonly count: number; readonly lastAt: number }>;
  /** Returns the number of events that each of its senders has made, in the order of the senders. */
  produced(): Promise<number[]>;
  history(): Promise<HistoryRow[]>;
  countOfStates(): Promise<number>;
  stop(): Promise<void>;
}

export type CallName = keyof Calls;
export type Answer<C extends CallName> = Awaited<ReturnType<Calls[C]>>;

/** To the host. */
export interface Request {
  readonly id: number;
  readonly call: CallName;
  readonly words: readonly unknown[];
}

/** From the host: an answer, a failure, or the notice that events are acknowledged. */
export type Message =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failure: string }
  | { readonly acknowledged: readonly number[] };
