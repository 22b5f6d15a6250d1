import type { DeadLetterKind, LoggedEvent, Store } from '../src/store/store.ts';

/**
 * What is known without asking the engine: what those outside asked of it, what it answered, which calls arrived from it, and
 * what the handlers of its pipelines wrote down in the very transactions that they decided. `checkInvariants` holds the store
 * against it.
 *
 * Moments (`began`, `ended`) are places in one sequence of everything that those outside did and saw; nothing else about
 * them means anything. A life is a run of the program, from its start to its stop or crash, counted from 1.
 */
export interface Ledger {
  readonly witnesses: readonly Witness[];
  /** Every try at bringing an event in. */
  readonly ingests: readonly Ingest[];
  /** Every call that arrived at an endpoint, in the order in which they arrived. */
  readonly calls: readonly ArrivedCall[];
  /** Dead letters that an operator has dealt with. */
  readonly resolved: readonly Resolved[];
  /** Rows that other programs have put into the inbox; absent where there is none. */
  readonly inserted?: readonly Inserted[];
  /** By how much the clock of the engine was set, each time, back where it is negative; absent when it never was. In milliseconds. */
  readonly clockJumpsMs?: readonly number[];
}

/** A pipeline, as far as what it did can be told from its tables. */
export interface Witness {
  readonly pipeline: string;
  readonly numbered: boolean;
  /** Whether missing numbers are given up after a while, so that none is waited for in the end. */
  readonly skipsGaps?: boolean;
  readonly endpoints: readonly LedgerEndpoint[];
  /** How often an event or timer is tried before it is given up; absent where it is not checked. */
  readonly attempts?: number;
  /** For how long a number that came early waits for those before it, in milliseconds; absent where it is not checked. */
  readonly skipAfterMs?: number;
  /** What an event is called in the ledger: its number, its chosen id, or a mark in its body. */
  nameOf(event: LoggedEvent): string;
  /** Whether all lives declared a timer or endpoint; if not, a timer or outcome of it may be given up before it had its attempts. By default they did. */
  wasDeclared?(name: string): boolean;
  /** The turns that took effect, those of a key in the order in which they did. */
  turns(store: Store): Promise<readonly AppliedTurn[]>;
  /** What a timer that was given up is called; by default its data, which is a text then. */
  armOf?(data: string | null): string;
  /** Whether an event that left no turn behind was rightly passed over; by default none is. */
  isIgnored?(event: LoggedEvent, turns: readonly AppliedTurn[]): boolean;
  /** What rows say that is not as the turns of their keys left it, in words; absent where no row is checked. */
  rows?(store: Store, turns: ReadonlyMap<string, readonly AppliedTurn[]>): Promise<readonly string[]>;
  /** The state after a key's turns, as JSON would give it back; absent where the state is not checked. */
  fold?(turns: readonly AppliedTurn[]): unknown;
}

export interface LedgerEndpoint {
  readonly name: string;
  /** Whether the deliveries of a key go one after the other. */
  readonly isOrdered: boolean;
  /** Whether the key is told of every outcome, in a turn that it writes down. */
  readonly isTold: boolean;
}

export interface Ingest {
  readonly pipeline: string;
  readonly key: string;
  readonly name: string;
  /** `refused`: the answer said that it was not taken. `unknown`: there was no answer, or one that says nothing about it. */
  readonly answer: 'accepted' | 'duplicate' | 'late' | 'refused' | 'unknown';
  readonly began: number;
  readonly ended: number;
  /** When it was answered, by the clock of the engine; where it is absent, no timer is held against it. */
  readonly answeredAt?: number;
}

/** A row that another program has put into the inbox. */
export interface Inserted {
  readonly pipeline: string;
  readonly key: string;
  readonly name: string;
  /** Whether the schema refuses it, as long as nobody mends that. */
  readonly isRefused: boolean;
  readonly began: number;
  /** When its transaction committed; infinite where it has not. */
  readonly ended: number;
  /** Whether it lies in the inbox still, or again. */
  readonly isWaiting: boolean;
}

/** What a turn of a key decided, as it wrote it down. Absent lists are not checked. */
export interface AppliedTurn {
  readonly key: string;
  readonly cause: Cause;
  /** The life in which it took effect. */
  readonly life?: number;
  readonly armed?: readonly Armed[];
  readonly asked?: readonly Asked[];
  readonly sent?: readonly Sent[];
}

export type Cause =
  | { readonly kind: 'event'; readonly name: string }
  /** `at` is the time of the turn by the clock of the engine. */
  | { readonly kind: 'timer'; readonly arm: string; readonly at: number }
  | { readonly kind: 'outcome'; readonly endpoint: string; readonly id: string; readonly status: string };

/** A timer was armed, in place of one of that name, or (`arm` null) cancelled. */
export interface Armed {
  readonly timer: string;
  /** A name that no other timer of the key ever had. */
  readonly arm: string | null;
  /** Milliseconds since 1970; 0 when cancelled. */
  readonly dueAt: number;
}

/** A delivery was asked for. */
export interface Asked {
  readonly endpoint: string;
  readonly id: string;
}

/** An event was sent. */
export interface Sent {
  readonly pipeline: string;
  readonly key: string;
  readonly name: string;
}

export interface ArrivedCall {
  readonly pipeline: string;
  readonly endpoint: string;
  readonly key: string;
  readonly id: string;
  readonly life: number;
  /** What was answered, `doubtful` that it may have arrived; `unknown` when the caller died before it was. */
  readonly result: 'delivered' | 'doubtful' | 'failed' | 'refused' | 'unknown';
}

/** A dead letter that was redriven or discarded: of an event by its name, of a timer by its arm, of an outcome or a delivery by `endpoint/id`, of skipped numbers by `from-to`, of an origin by that. */
export interface Resolved {
  readonly pipeline: string;
  readonly key: string;
  readonly what: DeadLetterKind;
  readonly name: string;
  /** What was tried; whether it took effect may be unknown. */
  readonly how: 'redriven' | 'discarded';
  /** Whether its key was parked for it, so that an event that is redriven stands where it stood. */
  readonly wasParked: boolean;
}
