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

/** The contents of a partition at the moment it is claimed. */
export interface Standing {
  readonly cursor: number;
  /** The highest position in the log, at least the cursor. */
  readonly head: number;
  /** Number of held events. */
  readonly held: number;
  /** Number of unresolved dead letters. */
  readonly deadLetters: number;
  /** Number of parked keys. */
  readonly parked: number;
  /** Number of deliveries. */
  readonly deliveries: number;
  /** Number of noted gaps. */
  readonly gaps: number;
  /** The highest block; absent if there is none. */
  readonly block?: number | undefined;
}

/** The progress of the work on a partition. */
export type Progress = Pick<Standing, 'cursor' | 'head'>;

/**
 * The ownership of a partition, from a claim until another claim takes it over, it is released, or it expires. A store that serves a single
 * engine grants leases that never expire.
 */
export interface Lease {
  readonly partition: PartitionId;
  readonly standing: Standing;

  /** Throws `MILL_STORE_FENCED`, and changes nothing, once the lease is over. */
  commit(commit: Commit): Promise<Committed>;

  /**
   * Takes rows of the inbox, with one answer for each, in order. Later claims count the dead letters this creates. Throws
   * `MILL_STORE_FENCED`, and changes nothing, once the lease is over. Only if the store has an inbox.
   */
  takeInbox?(takings: readonly InboxTaking[]): Promise<readonly InboxTaken[]>;

  /**
   * Appends the contents of a broker's records and advances their partition's offset, in one transaction and only from the expected offset.
   * Later claims count the dead letters this creates. Throws `MILL_STORE_FENCED`, and changes nothing, once the lease is over.
   */
  takeBatch(batch: SourceBatch): Promise<BatchTaken>;

  /** Ends the lease, so that others need not wait for it to expire. Does nothing once it is over. */
  release(): Promise<void>;
}

/**
 * The work of many turns of a partition, as one transaction. Parts are applied in the order of these fields, and in array order within a
 * part. A value that the database cannot hold, such as a moment that is not an integer, is `MILL_COMMIT_REFUSED`: never the store's own
 * fault.
 */
export interface Commit {
  /** The new cursor; never lower than the current one. */
  readonly cursor: number;
  readonly holds: readonly Hold[];
  readonly releases: readonly Release[];
  readonly keys: readonly KeyUpdate[];
  readonly gaps: readonly GapWrite[];
  readonly timers: readonly TimerWrite[];
  readonly outcomes: readonly OutcomeWrite[];
  readonly deliveries: readonly DeliveryWrite[];
  /** Throws `MILL_COMMIT_REFUSED` when a constraint or trigger of the database refuses a row. */
  readonly rows: readonly RowWrite[];
  readonly deadLetters: readonly NewDeadLetter[];
  /** Ids of dead letters that were redriven or discarded: they are no longer listed. Numbers skipped by one of them stay `late`. */
  readonly resolvedDeadLetters: readonly string[];
  /** Events to append, to any partition, as by `append`. */
  readonly sends: readonly NewEvent[];
  /** Rows to add at the end of the inbox. Only if the store has one. */
  readonly inbox?: readonly NewInboxRow[] | undefined;
  /**
   * Answers to commands. The first answer to a command counts; an answer to a withdrawn command does nothing. Only if the store has
   * commands.
   */
  readonly answers?: readonly CommandAnswer[] | undefined;
  /** Its progress on dead-letter operations. */
  readonly operations?: readonly OperationProgress[] | undefined;
  /** The operators' actions it carries out. */
  readonly audit?: readonly AuditEntry[] | undefined;
  /** Its record of what happened to its keys. */
  readonly block?: NewBlock | undefined;
}

export interface Committed {
  /** The result of each of the commit's sends. */
  readonly sends: readonly Appended[];
  /** Change in the number of deliveries. */
  readonly deliveriesAdded: number;
  /** Change in the number of gaps. */
  readonly gapsAdded: number;
}

/**
 * Rows for one table, each with its values in the order of the table's columns. `put` replaces by primary key, `add` keeps an existing row.
 * `update` names columns, including the whole primary key, and its rows hold the values of these; it changes no other columns, and nothing
 * if there is no row with that key.
 */
export type RowWrite = {
  readonly table: string;
  readonly rows: readonly (readonly SqlValue[])[];
} & ({ readonly write: 'put' | 'add' } | { readonly write: 'update'; readonly columns: readonly string[] });
