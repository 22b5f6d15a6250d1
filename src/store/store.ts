/**
 * The port to a database. The engine knows stores only through this file and those it refers to; `contract.ts` holds every implementation
 * to it.
 *
 * A store keeps the following, per partition (a slice of one pipeline's keys):
 *
 * - **log**: every accepted event at its `position`. Positions of a partition are dense, start at 1, and become visible in order: whoever
 *   can read position n can read every position below it.
 * - **cursor**: the highest position that a commit has settled. Every event at or below it is settled or held.
 * - **held**: events that cannot be handled yet, by key and `order`. The order of a numbered event is its number, and it is held from the
 *   moment it is appended; the order of any other event is its position, and it is held only if a commit says so.
 * - **keys**: state, the next number, and whether the key is parked.
 * - **gaps**: the keys that wait for a number, once noted by a commit, in the order of their `since`.
 * - **timers**: the named timers that turns have set, by key and name.
 * - **deliveries**: calls requested by turns that have no outcome yet, in the order requested.
 * - **outcomes**: the outcomes of deliveries that their keys have not been notified of yet, by key, endpoint and id.
 * - **dead letters** and the rows of declared tables.
 * - **blocks**: each commit's record of what happened to its keys, by block number.
 *
 * In addition, a database that other programs write to may keep an **inbox** (`Inbox`), into which they insert events in their own
 * transactions; and one shared by several engines keeps **commands** (`Commands`), with which an engine asks the owner of a partition to do
 * something.
 *
 * Timers and outcomes are the *causes* of turns other than events. They are written and kept separately in a key's record, and listed
 * together in order of their moments, so that a key's turns come in that order.
 *
 * Callers limit lists that may be large: with `charactersMax` a list ends with the item that brings the texts of its items to that many
 * UTF-16 units (`list-size.ts` says which texts), so it always has an item if there is one.
 *
 * The port's types define who may do what. A **store** is for anyone: whoever has opened it can append and read. A **lease**
 * (`port/lease.ts`) is for the one engine that has claimed a partition: it alone commits. **Announcements** (`port/fleet.ts`) tell an
 * engine that another one has extended a log; they are hints, and a lost one costs only time.
 *
 * All calls are asynchronous and work on batches. Calls may overlap; each is atomic: it takes effect as a whole and is on disk before it is
 * answered, or it throws and has no effect. The one exception is `MILL_STORE_UNAVAILABLE`, after which the result is unknown: the caller
 * claims the partition again and looks. Errors are `MillraceError`s with a `MILL_STORE_…` code, unless a call says otherwise. After
 * `MILL_STORE_FULL` the same call may succeed once there is room.
 *
 * Reads with a signal are for callers outside the engine. They never delay the engine's own reads, and once the signal is aborted they
 * reject with its reason and cost nothing more, as soon as the database allows.
 */

import type { Dialect } from 'kysely';
import type { FoundValue } from '../pipeline/table.ts';
import type { AuditEntry, AuditQuery } from './port/audit.ts';
import type { ListBounds, ReadBounds } from './port/bounds.ts';
import type { CauseBounds, ListedTimer, StoredCause, TimersQuery } from './port/causes.ts';
import type {
  DeadLetter,
  DeadLetterCount,
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterGroupQuery,
  DeadLetterQuery,
} from './port/dead-letters.ts';
import type { Opened, StoreDeclaration } from './port/declaration.ts';
import type {
  DeliveriesQuery,
  DeliveryName,
  DeliveryOfKey,
  DueByFlow,
  DueMoment,
  FlowQuery,
  ListedDelivery,
  StoredDelivery,
} from './port/deliveries.ts';
import type { Appended, EventAt, HeldEvent, LoggedEvent, NewEvent, PartitionId, Pruned, Retention } from './port/events.ts';
import type { Commands, Roll, StoreListener } from './port/fleet.ts';
import type { Inbox } from './port/inbox.ts';
import type { InventoryQuery, StoredPipeline } from './port/inventory.ts';
import type { GapQuery, KeyRecord, KeySummary, KeysQuery, StoredGap } from './port/keys.ts';
import type { Lease, Progress } from './port/lease.ts';
import type { Operations } from './port/operations.ts';
import type { SourceOffset } from './port/source-offsets.ts';
import type { BlocksQuery } from './port/timeline.ts';

export type * from './port/audit.ts';
export type * from './port/bounds.ts';
export type * from './port/causes.ts';
export type * from './port/dead-letters.ts';
export type * from './port/declaration.ts';
export type * from './port/deliveries.ts';
export type * from './port/events.ts';
export type * from './port/fleet.ts';
export type * from './port/inbox.ts';
export type * from './port/inventory.ts';
export type * from './port/keys.ts';
export type * from './port/lease.ts';
export type * from './port/operations.ts';
export type * from './port/source-offsets.ts';
export type * from './port/timeline.ts';

/** The parts of Kysely's dialect that build statements for a database. */
export interface SqlDialect extends Pick<Dialect, 'createAdapter' | 'createIntrospector' | 'createQueryCompiler'> {
  /**
   * Converts a moment, a text in UTC with milliseconds, to the form in which the database compares it with a moment column; unchanged if
   * absent.
   */
  readonly momentText?: (moment: string) => string;
}

export interface Store {
  /** For messages: `sqlite`, `memory`, `postgres`, `mysql`. */
  readonly kind: string;
  /** The dialect of {@link query}; SQLite's SQL if absent. */
  readonly dialect?: SqlDialect | undefined;
  /** Lifetime of leases after the latest `beat`, in milliseconds; undefined if they never expire. */
  readonly leaseMs?: number | undefined;
  /** Slices per pipeline. Fixed for the life of a database. */
  readonly partitions: number;
  /** Maximum bytes, in UTF-8, of a key, and of a chosen id. The engine admits none longer; undefined for no limit. */
  readonly keyBytesMax?: number | undefined;
  /** Receives events from other programs; undefined for a store that no other program can write to. Open while the store is. */
  readonly inbox?: Inbox | undefined;
  /** Operations on many dead letters. Open while the store is. */
  readonly operations: Operations;
  /** Commands to other engines; undefined for a store that serves a single engine. Open while the store is. */
  readonly commands?: Commands | undefined;

  /**
   * Opens the database, creates whatever is missing, migrates declared tables, and takes ownership. Throws `MILL_STORE_OWNED` if another
   * process has it, `MILL_TABLE_CHANGED` if a table cannot be migrated without loss.
   *
   * @param log receives messages that belong to no call, while it is open
   * @param signal once aborted, an opening that waits for a database gives up, and rejects with the signal's reason. It may finish instead
   * if it does not have to wait. An open store ignores the signal.
   */
  open(declaration: StoreDeclaration, log?: StoreLogger, signal?: AbortSignal): Promise<Opened>;

  /**
   * Takes a partition over: the lease from an earlier claim on this store is over. Throws `MILL_STORE_LEASED` while another engine has its
   * lease.
   */
  claim(partition: PartitionId): Promise<Lease>;

  /**
   * Reports this engine alive, so that all its leases last for `leaseMs` from now on, and returns the other live ones. An engine that never
   * reports, and claims nothing, is not a member.
   */
  beat(): Promise<Roll>;

  /** Reports what other engines on the database have done. The returned function unsubscribes. */
  listen(listener: StoreListener): () => void;

  /**
   * Judges and stores events, with one answer for each, in order. If the same id or number occurs twice in a batch, the first is accepted.
   */
  append(events: readonly NewEvent[]): Promise<readonly Appended[]>;

  /**
   * Returns the positions at which a pipeline continues reading the partitions of an inlet's topic, in any order, including earlier topics
   * of that name.
   */
  sourceOffsets(pipeline: string, source: string): Promise<readonly SourceOffset[]>;

  /** Returns the progress of a partition's owner, for engines that do not own it. */
  progress(partition: PartitionId): Promise<Progress>;

  /** Returns the log after a position, in position order, at most `limit` events. */
  read(partition: PartitionId, after: number, limit: number, bounds?: ListBounds): Promise<readonly LoggedEvent[]>;

  /**
   * Returns the records of keys, in the order asked; an unknown key has an empty record. With `charactersMax` perhaps only those of the
   * first keys.
   */
  load(partition: PartitionId, keys: readonly string[], bounds?: ReadBounds): Promise<readonly KeyRecord[]>;

  /**
   * Returns keys in byte order: those known from something other than a delivery, a dead letter or the log. A page of all keys, or of those
   * with a prefix, takes no longer however many there are.
   */
  keys(partition: PartitionId, query: KeysQuery, bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly KeySummary[]>;

  /** Returns a key's held events with `order ≥ from`, in order, at most `limit`. */
  held(partition: PartitionId, key: string, from: number, limit: number, bounds?: ReadBounds): Promise<readonly HeldEvent[]>;

  /** Returns keys with held events, in key order after `after`, at most `limit`. */
  heldKeys(partition: PartitionId, after: string | null, limit: number): Promise<readonly string[]>;

  /** Returns the noted gaps, earliest `since` first (then by key). Takes no longer however many events are held. */
  gaps(partition: PartitionId, query: GapQuery): Promise<readonly StoredGap[]>;

  /**
   * Returns pending timers and outcomes due at or before a moment, soonest first, at most `limit`. Those of one moment are in key order;
   * within a key the outcomes come first, by endpoint and id, then the timers, by name.
   */
  dueCauses(partition: PartitionId, dueBy: number, limit: number, bounds?: CauseBounds): Promise<readonly StoredCause[]>;

  /** Returns when the soonest timer or outcome after a moment is due; null if there is none. */
  nextCauseDue(partition: PartitionId, after: number): Promise<number | null>;

  /**
   * Returns deliveries of an endpoint due at or before a moment, soonest first (then in the order requested), at most `limit`. An ordered
   * one is included only if no other of its endpoint and key precedes it.
   */
  dueDeliveries(
    partition: PartitionId,
    endpoint: string,
    dueBy: number,
    limit: number,
    bounds?: ListBounds,
  ): Promise<readonly StoredDelivery[]>;

  /**
   * Returns due deliveries flow by flow: from the flow `from` on, in name order, the first `each` of each flow, in the order of
   * {@link dueDeliveries}. Looks at no more than `flows` flows, including those with nothing due, and with `charactersMax` at none after
   * the one whose delivery ends the list.
   */
  dueByFlow(partition: PartitionId, query: FlowQuery): Promise<DueByFlow>;

  /**
   * Returns when the first delivery of an endpoint after a moment is due, among those that could be returned then; null if there is none.
   */
  nextDeliveryDue(partition: PartitionId, endpoint: string, after: number): Promise<number | null>;

  /** Returns the moments after `after` at which deliveries of an endpoint are due, ascending, among those that could be returned then. */
  dueMoments(partition: PartitionId, endpoint: string, after: number, limit: number): Promise<readonly DueMoment[]>;

  /** Returns the origins that have an unsettled event, or an unresolved dead letter. */
  pendingOrigins(partition: PartitionId, origins: readonly string[]): Promise<readonly string[]>;

  deadLetters(query: DeadLetterQuery, bounds?: ReadBounds): Promise<readonly DeadLetter[]>;

  countDeadLetters(filter: DeadLetterFilter, bounds?: Pick<ReadBounds, 'signal'>): Promise<DeadLetterCount>;

  /** Groups dead letters by kind, pipeline and the pattern of their reasons, largest groups first (then by these three). */
  deadLetterGroups(query: DeadLetterGroupQuery, bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly DeadLetterGroup[]>;

  /** Deletes data older than the retention, a bit at a time, so that no other call waits long for it, however much is held. */
  prune(retention: Retention): Promise<Pruned>;

  /**
   * Runs a read-only SQL statement in the store's {@link dialect}. Returns rows whatever they hold: an integer that a number would round as
   * a bigint, a blob as bytes. Throws `MILL_INVALID_REQUEST` for a statement that fails.
   */
  query(sql: string, parameters: readonly FoundValue[], bounds?: ReadBounds): Promise<readonly Readonly<Record<string, FoundValue>>[]>;

  /** Returns the names of an endpoint's deliveries, declared or not, by key and id, at most `limit`. With a `key` only its own. */
  deliveryNames(partition: PartitionId, endpoint: string, limit: number, key?: string): Promise<readonly DeliveryName[]>;

  /** Returns the deliveries of an endpoint and a key, in id order, at most `limit`. */
  deliveriesOfKey(
    partition: PartitionId,
    endpoint: string,
    key: string,
    limit: number,
    bounds?: Pick<ReadBounds, 'signal'>,
  ): Promise<readonly DeliveryOfKey[]>;

  /** Returns pending timers, soonest first, then by key and name. A page of one name or prefix also examines the others in between. */
  timers(partition: PartitionId, query: TimersQuery, bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly ListedTimer[]>;

  /** Returns deliveries of an endpoint, declared or not, by key and id. */
  deliveries(partition: PartitionId, query: DeliveriesQuery, bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly ListedDelivery[]>;

  /**
   * Records that a declared pipeline is paused, or no longer paused; `open` returns the paused ones. Records in the same transaction who
   * did it.
   */
  setPaused(pipeline: string, isPaused: boolean, entry?: AuditEntry): Promise<void>;

  /** Records an operator's action, if no commit can. */
  noteAudit(entry: AuditEntry): Promise<void>;

  /** Returns operators' actions, latest first. */
  audit(query: AuditQuery, bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly AuditEntry[]>;

  /** Deletes operators' actions before a moment; returns how many entries were deleted. */
  forgetAudit(before: number): Promise<number>;

  /** Returns the blocks that a key's record or index names, highest first. Others are found from these, block by block. */
  blocksOfKey(partition: PartitionId, key: string, query: BlocksQuery, bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly number[]>;

  /** Returns the events at the given positions that are still in the log, in any order. */
  eventsAt(partition: PartitionId, positions: readonly number[], bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly EventAt[]>;

  /** Returns the text of a block; null if there is none, or none any more. */
  block(partition: PartitionId, block: number, bounds?: Pick<ReadBounds, 'signal'>): Promise<string | null>;

  /** Deletes the first blocks of a partition below a number, at most `limit`; returns how many. */
  forgetBlocks(partition: PartitionId, before: number, limit: number): Promise<number>;

  /**
   * Returns the contents for every pipeline that was ever declared and not deleted since, and for every other with rows in the inbox, in
   * name order.
   */
  inventory(query: InventoryQuery): Promise<readonly StoredPipeline[]>;

  /**
   * Deletes all data of a pipeline that is currently not declared, except rows of declared tables. It is the one call that may take effect
   * in parts: after a failure some of it may be gone, and calling it again deletes the rest. Throws `MILL_CONFLICT` for a declared
   * pipeline.
   */
  forget(pipeline: string): Promise<void>;

  /** Finishes the calls made, then releases the database. Later calls throw `MILL_STORE_UNAVAILABLE`. */
  close(): Promise<void>;

  /** Returns figures for monitoring. Asks no database, and answers at any time. */
  stats(): Promise<StoreStats>;
}

/** A store's figures about itself. */
export interface StoreStats {
  /** Bytes of a write-ahead log on disk; 0 if there is none. */
  readonly logBytes: number;
}

/** The destination of a store's log lines; the engine's logger fits. */
export interface StoreLogger {
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
}
