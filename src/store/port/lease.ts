import type { SqlValue } from '../../pipeline/table.ts';
import type { AuditEntry } from './audit.ts';
import type { OutcomeWrite, TimerWrite } from './causes.ts';
import type { NewDeadLetter } from './dead-letters.ts';
import type { DeliveryWrite } from './deliveries.ts';
import type { Appended, Hold, NewEvent, PartitionId, Release } from './events.ts';
import type { CommandAnswer } from './fleet.ts';
import type { InboxTaken, InboxTaking, NewInboxRow } from './inbox.ts';
import type { GapWrite, KeyUpdate } from './keys.ts';
import type { OperationProgress } from './operations.ts';
import type { BatchTaken, SourceBatch } from './source-offsets.ts';
import type { NewBlock } from './timeline.ts';

/** What there is of a partition at the moment in which it is claimed. */
export interface Standing {
  readonly cursor: number;
  /** The highest position in the log, at least the cursor. */
  readonly head: number;
  /** How many events are held. */
  readonly held: number;
  /** How many dead letters nobody has resolved. */
  readonly deadLetters: number;
  /** How many keys are parked. */
  readonly parked: number;
  /** How many deliveries there are. */
  readonly deliveries: number;
  /** How many gaps are noted. */
  readonly gaps: number;
  /** The highest block; absent where there is none. */
  readonly block?: number | undefined;
}

/** How far the work on a partition has come. */
export type Progress = Pick<Standing, 'cursor' | 'head'>;

/**
 * The ownership of a partition, from a claim until another claim takes it over, it is released, or it has run out. A store that one
 * engine has to itself gives leases that never run out.
 */
export interface Lease {
  readonly partition: PartitionId;
  readonly standing: Standing;

  /** Throws `MILL_STORE_FENCED`, and changes nothing, once the lease is over. */
  commit(commit: Commit): Promise<Committed>;

  /**
   * Takes rows of the inbox, one answer for each, in order. Every later claim counts the dead letters that it makes of them. Throws
   * `MILL_STORE_FENCED`, and changes nothing, once the lease is over. Only where the store has an inbox.
   */
  takeInbox?(takings: readonly InboxTaking[]): Promise<readonly InboxTaken[]>;

  /**
   * Appends what a broker's records hold, and moves the offset of their partition, in one transaction and only from where it is expected to
   * be. Every later claim counts the dead letters that it makes. Throws `MILL_STORE_FENCED`, and changes nothing, once the lease is over.
   */
  takeBatch(batch: SourceBatch): Promise<BatchTaken>;

  /** Ends it, so that others need not wait until it has run out. Does nothing once it is over. */
  release(): Promise<void>;
}

/**
 * The work of many turns of a partition, as one transaction. Parts are applied in the order of these fields; within
 * a part the order of the array counts. A value that the database cannot hold, such as a moment that is no integer, is
 * `MILL_COMMIT_REFUSED`: never the store's own fault.
 */
export interface Commit {
  /** The new cursor; never lower than the present one. */
  readonly cursor: number;
  readonly holds: readonly Hold[];
  readonly releases: readonly Release[];
  readonly keys: readonly KeyUpdate[];
  readonly gaps: readonly GapWrite[];
  readonly timers: readonly TimerWrite[];
  readonly outcomes: readonly OutcomeWrite[];
  readonly deliveries: readonly DeliveryWrite[];
  /** Throws `MILL_COMMIT_REFUSED` when the database refuses a row, by a constraint or trigger of its own. */
  readonly rows: readonly RowWrite[];
  readonly deadLetters: readonly NewDeadLetter[];
  /** Ids of dead letters that were redriven or discarded: they are listed no more. Numbers that one of them skipped stay `late`. */
  readonly resolvedDeadLetters: readonly string[];
  /** Events to append, to any partition, as by `append`. */
  readonly sends: readonly NewEvent[];
  /** Rows for the inbox, behind all that are there. Only where the store has one. */
  readonly inbox?: readonly NewInboxRow[] | undefined;
  /** Answers to commands. The first answer to a command counts, and one to a command that was withdrawn does nothing. Only where the store has commands. */
  readonly answers?: readonly CommandAnswer[] | undefined;
  /** How far it brings operations on dead letters. */
  readonly operations?: readonly OperationProgress[] | undefined;
  /** What operators have done by it. */
  readonly audit?: readonly AuditEntry[] | undefined;
  /** What it tells of its keys. */
  readonly block?: NewBlock | undefined;
}

export interface Committed {
  /** What became of each of the commit's sends. */
  readonly sends: readonly Appended[];
  /** By how much it changed the number of deliveries. */
  readonly deliveriesAdded: number;
  /** By how much it changed the number of gaps. */
  readonly gapsAdded: number;
}

/**
 * Rows for one table, each with its values in the order of the table's columns. `put` replaces by primary key, `add` keeps
 * what is there. `update` names columns, the whole primary key among them, and its rows have values for these; it changes
 * no others, and nothing when there is no row of that key.
 */
export type RowWrite = {
  readonly table: string;
  readonly rows: readonly (readonly SqlValue[])[];
} & ({ readonly write: 'put' | 'add' } | { readonly write: 'update'; readonly columns: readonly string[] });
