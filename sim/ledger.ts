import type { DeadLetterKind, LoggedEvent, Store } from '../src/store/store.ts';

/**
 * Everything known without asking the engine: the requests of outside callers, the engine's answers, the calls that arrived from it, and
 * the records that its pipelines' handlers wrote in the transactions they decided. `checkInvariants` compares the store with it.
 *
 * Moments (`began`, `ended`) are places in one sequence of everything that outside callers did and saw; nothing else about them means
 * anything. A life is a run of the program, from its start to its stop or crash, counted from 1.
 */
export interface Ledger {
  readonly witnesses: readonly Witness[];
  /** Every try at bringing an event in. */
  readonly ingests: readonly Ingest[];
  /** Every call that arrived at an endpoint, in the order in which they arrived. */
  readonly calls: readonly ArrivedCall[];
  /** Dead letters that an operator has dealt with. */
  readonly resolved: readonly Resolved[];
  /** Rows that other programs have put into the inbox; absent if there is no inbox. */
  readonly inserted?: readonly Inserted[];
  /** Every change of the engine's clock, in milliseconds, negative for a step back; absent if the clock was never changed. */
  readonly clockJumpsMs?: readonly number[];
}

/** A pipeline, as far as its tables reveal what it did. */
export interface Witness {
  readonly pipeline: string;
  readonly numbered: boolean;
  /** True if missing numbers are given up after a while, which leaves none outstanding in the end. */
  readonly skipsGaps?: boolean;
  readonly endpoints: readonly LedgerEndpoint[];
  /** Number of tries of an event or timer before it is given up; absent if unchecked. */
  readonly attempts?: number;
  /** Time for which an early number waits for its predecessors, in milliseconds; absent if unchecked. */
  readonly skipAfterMs?: number;
  /** Returns the event's name in the ledger: its number, its chosen id, or a mark in its body. */
  nameOf(event: LoggedEvent): string;
  /**
   * Returns whether all lives declared a timer or endpoint; if not, a timer or outcome of it may be given up before its last attempt. By
   * default they did.
   */
  wasDeclared?(name: string): boolean;
  /** The turns that took effect, in order of effect within each key. */
  turns(store: Store): Promise<readonly AppliedTurn[]>;
  /** Returns the name of a timer that was given up; by default its data, which must then be a text. */
  armOf?(data: string | null): string;
  /** Returns whether an event without a turn was rightly passed over; by default none is. */
  isIgnored?(event: LoggedEvent, turns: readonly AppliedTurn[]): boolean;
  /** Describes rows that differ from those the turns of their keys left; absent if no row is checked. */
  rows?(store: Store, turns: ReadonlyMap<string, readonly AppliedTurn[]>): Promise<readonly string[]>;
  /** The state after a key's turns, in its JSON form; absent if the state is not checked. */
  fold?(turns: readonly AppliedTurn[]): unknown;
  /**
   * Returns a page of a key's timeline, newest first, as the engine shows it; absent if timelines are not checked. The records of the turns
   * must then be complete.
   */
  timeline?(store: Store, key: string, page: { readonly limit: number; readonly place?: unknown }): Promise<ShownPage>;
}

/** A page of a timeline. */
export interface ShownPage {
  readonly items: readonly ShownItem[];
  /** The place of the next page; absent on the last. */
  readonly next?: unknown;
}

/** An item of a timeline, with facts that depend on its kind. */
export interface ShownItem {
  readonly id: string;
  readonly kind: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly causedBy?: string;
  /** Shared by the items of one commit, rising; null for an operator's action. */
  readonly commit: string | null;
  readonly [fact: string]: unknown;
}

export interface LedgerEndpoint {
  readonly name: string;
  /** True if a key's deliveries go one after another. */
  readonly isOrdered: boolean;
  /** True if the key receives every outcome, in a turn that it records. */
  readonly isTold: boolean;
}

export interface Ingest {
  readonly pipeline: string;
  readonly key: string;
  readonly name: string;
  /** `refused`: the answer said that the event was not taken. `unknown`: there was no answer, or one that does not tell. */
  readonly answer: 'accepted' | 'duplicate' | 'late' | 'refused' | 'unknown';
  readonly began: number;
  readonly ended: number;
  /** The time at which it was answered, by the engine's clock; if absent, no timer is compared with it. */
  readonly answeredAt?: number;
}

/** A row that another program has put into the inbox. */
export interface Inserted {
  readonly pipeline: string;
  readonly key: string;
  readonly name: string;
  /** True if the schema refuses it until somebody fixes that. */
  readonly isRefused: boolean;
  readonly began: number;
  /** The time at which its transaction committed; infinite if it has not. */
  readonly ended: number;
  /** True if it is still, or again, in the inbox. */
  readonly isWaiting: boolean;
}

/** A key's own record of one turn's decisions. Absent lists are not checked. */
export interface AppliedTurn {
  readonly key: string;
  readonly cause: Cause;
  /** The life in which it took effect. */
  readonly life?: number;
  /** The attempt that succeeded, counted from 1. */
  readonly attempt?: number;
  readonly armed?: readonly Armed[];
  readonly asked?: readonly Asked[];
  readonly sent?: readonly Sent[];
}

export type Cause =
  | { readonly kind: 'event'; readonly name: string }
  /** `at` is the time of the turn by the clock of the engine. */
  | { readonly kind: 'timer'; readonly arm: string; readonly at: number }
  | { readonly kind: 'outcome'; readonly endpoint: string; readonly id: string; readonly status: string };

/** A timer was armed, replacing one of the same name, or (`arm` null) cancelled. */
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
  /** The answer, `doubtful` if it may have arrived; `unknown` if the caller died before it came. */
  readonly result: 'delivered' | 'doubtful' | 'failed' | 'refused' | 'unknown';
}

/** A redriven or discarded dead letter: an event by its name, a timer by its arm, an outcome or a delivery by `endpoint/id`, skipped numbers by `from-to`, an origin by its name. */
export interface Resolved {
  /** The dead letter's id. */
  readonly id: string;
  readonly pipeline: string;
  readonly key: string;
  readonly what: DeadLetterKind;
  readonly name: string;
  /** The attempted command; it may be unknown whether it took effect. */
  readonly how: 'redriven' | 'discarded';
  /** True if its key was parked for it, in which case a redriven event keeps its place. */
  readonly wasParked: boolean;
}
