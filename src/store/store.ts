/**
 * The port to a database. The engine knows a store by this page and those that it leads to alone; `contract.ts` holds every
 * implementation to it.
 *
 * What a store keeps, per partition (a slice of one pipeline's keys):
 *
 * - **log**: every accepted event at its `position`. Positions of a partition are dense, start at 1, and become
 *   visible in order: whoever can read position n can read every position below it.
 * - **cursor**: the highest position that a commit has settled. Every event at or below it is settled or held.
 * - **held**: events that cannot be handled yet, by key and `order`. The order of a numbered event is its number, and
 *   it is held from the moment it is appended; the order of any other event is its position, and it is held only when
 *   a commit says so.
 * - **keys**: state, the next number, and whether the key is parked.
 * - **gaps**: the keys that wait for a number, where a commit has noted it, in the order of their `since`.
 * - **timers**: the named alarms that turns have armed, by key and name.
 * - **deliveries**: calls that turns asked for and that have no outcome yet, in the order in which they were asked for.
 * - **outcomes**: what became of deliveries and their keys have not been told yet, by key, endpoint and id.
 * - **dead letters** and the rows of declared tables.
 * - **blocks**: what each commit tells of its keys, by the number of the block.
 *
 * Beside that, a database that other programs write to may keep an **inbox** (`Inbox`), where they put events in transactions of their own; and
 * one that several engines share keeps **commands** (`Commands`), by which one of them has the owner of a partition do something.
 *
 * Timers and outcomes are the *causes* of turns that are no events. They are written and kept in a key's record apart, and listed
 * together in the order of their moments, so that the turns of a key come in that order.
 *
 * Whoever lists what may be large says how much of it: with `charactersMax` a list ends with the item that brings the texts of
 * its items to that many UTF-16 units (`list-size.ts` says which texts), so that it always has an item where there is one.
 *
 * The port says by its types who may do what. A **store** is for anyone: whoever has opened it brings events in and reads. A
 * **lease** (`port/lease.ts`) is for the one engine that has claimed a partition: it alone commits. **Announcements**
 * (`port/fleet.ts`) tell an engine that a log has grown by another's hand; they are hints, and one that is lost costs time and nothing else.
 *
 * All calls are asynchronous and work on batches. Calls may overlap; each is atomic: it takes effect whole and is on
 * disk before it is answered, or it throws and took no effect. The one exception is `MILL_STORE_UNAVAILABLE`, after
 * which nobody knows: the caller claims the partition again and looks. Errors are `MillraceError`s with a
 * `MILL_STORE_…` code, except where a call says otherwise. After `MILL_STORE_FULL` the same call may succeed once there is room.
 *
 * Reads with a signal are for somebody outside the engine. They never keep the engine's own reads waiting, and once the signal is
 * aborted they reject with its reason and cost nothing more, as soon as the database allows.
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

/** What Kysely makes statements by that a database understands. */
export interface SqlDialect extends Pick<Dialect, 'createAdapter' | 'createIntrospector' | 'createQueryCompiler'> {
  /** A moment, which is a text in UTC with milliseconds, as the database compares it with a column of moments; as it is where this is absent. */
  readonly momentText?: (moment: string) => string;
}

export interface Store {
  /** For messages: `sqlite`, `memory`, `postgres`, `mysql`. */
  readonly kind: string;
  /** How {@link query} speaks; SQLite's SQL where a store says nothing. */
  readonly dialect?: SqlDialect | undefined;
  /** How long leases last after the latest `beat`, in milliseconds; undefined where they never run out. */
  readonly leaseMs?: number | undefined;
  /** Slices per pipeline. The same for the life of a database. */
  readonly partitions: number;
  /** The most bytes, in UTF-8, of a key, and of an id that somebody chose. The engine lets in none that is longer; undefined where any length goes. */
  readonly keyBytesMax?: number | undefined;
  /** Where other programs put events; undefined for a store that no other program can write to. Open while the store is. */
  readonly inbox?: Inbox | undefined;
  /** What operators do to many dead letters. Open while the store is. */
  readonly operations: Operations;
  /** What has other engines do something; undefined for a store that one engine has to itself. Open while the store is. */
  readonly commands?: Commands | undefined;

  /**
   * Opens the database, creates what is missing, migrates declared tables, and takes ownership. Throws
   * `MILL_STORE_OWNED` when another process has it, `MILL_TABLE_CHANGED` when a table cannot be migrated without loss.
   *
   * @param log takes what no call can be answered with, while it is open
   * @param signal once it is aborted, an opening that waits for a database gives up, and rejects with the signal's reason. It may finish
   *   instead, where it does not have to wait. A store that is open takes no notice of it.
   */
  open(declaration: StoreDeclaration, log?: StoreLogger, signal?: AbortSignal): Promise<Opened>;

  /**
   * Takes a partition over: the lease that another claim of this store's has given is over. Throws `MILL_STORE_LEASED` while another
   * engine has its lease.
   */
  claim(partition: PartitionId): Promise<Lease>;

  /**
   * Says that this engine lives, so that all its leases last for `leaseMs` from now on, and tells who else does. Who never says so, and claims
   * nothing, is no member.
   */
  beat(): Promise<Roll>;

  /** Tells of what other engines on the database have done. The returned function ends that. */
  listen(listener: StoreListener): () => void;

  /** Judges and stores events, one answer for each, in order. The same id or number twice in a batch: the first is accepted. */
  append(events: readonly NewEvent[]): Promise<readonly Appended[]>;

  /** Where a pipeline reads on in the partitions of an inlet's topic, in any order; also of topics of that name that are gone. */
  sourceOffsets(pipeline: string, source: string): Promise<readonly SourceOffset[]>;

  /** How far the owner of a partition has come, for those who do not own it. */
  progress(partition: PartitionId): Promise<Progress>;

  /** The log after a position, in position order, at most `limit`. */
  read(partition: PartitionId, after: number, limit: number, bounds?: ListBounds): Promise<readonly LoggedEvent[]>;

  /** The records of keys, in the order asked; an unknown key has an empty record. With `charactersMax` perhaps only those of the first keys. */
  load(partition: PartitionId, keys: readonly string[], bounds?: ReadBounds): Promise<readonly KeyRecord[]>;

  /**
   * Keys in the order of their bytes, those that something other than a delivery, a dead letter or the log tells of. A page of all keys, or of those with a
   * prefix, takes no longer however many there are.
   */
  keys(partition: PartitionId, query: KeysQuery, bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly KeySummary[]>;

  /** A key's held events with `order ≥ from`, in order, at most `limit`. */
  held(partition: PartitionId, key: string, from: number, limit: number, bounds?: ReadBounds): Promise<readonly HeldEvent[]>;

  /** Keys that have held events, in key order after `after`, at most `limit`. */
  heldKeys(partition: PartitionId, after: string | null, limit: number): Promise<readonly string[]>;

  /** The gaps that are noted, those of the earliest `since` first (then by key). Takes no longer however many events are held. */
  gaps(partition: PartitionId, query: GapQuery): Promise<readonly StoredGap[]>;

  /**
   * Pending timers and outcomes due at or before a moment, soonest first, at most `limit`. Those of one moment are in the order of
   * their keys, of a key the outcomes first, by endpoint and id, then the timers, by name.
   */
  dueCauses(partition: PartitionId, dueBy: number, limit: number, bounds?: CauseBounds): Promise<readonly StoredCause[]>;

  /** When the soonest timer or outcome after a moment is due; null when there is none. */
  nextCauseDue(partition: PartitionId, after: number): Promise<number | null>;

  /**
   * Deliveries of an endpoint that are due at or before a moment, those due first in front (then those asked for first), at
   * most `limit`. An ordered one only when none of its endpoint and key stands before it.
   */
  dueDeliveries(
    partition: PartitionId,
    endpoint: string,
    dueBy: number,
    limit: number,
    bounds?: ListBounds,
  ): Promise<readonly StoredDelivery[]>;

  /**
   * Due deliveries flow by flow: from the flow `from` on, in the order of their names, of each the first `each`, in the order of
   * {@link dueDeliveries}. Looks at no more than `flows` flows, those with nothing due included, and with `charactersMax` at none
   * behind that of the delivery with which the list ends.
   */
  dueByFlow(partition: PartitionId, query: FlowQuery): Promise<DueByFlow>;

  /** When the first delivery of an endpoint after a moment is due, of those that could be answered then; null when there is none. */
  nextDeliveryDue(partition: PartitionId, endpoint: string, after: number): Promise<number | null>;

  /** The moments behind `after` at which deliveries of an endpoint are due, in ascending order, of those that could be answered then. */
  dueMoments(partition: PartitionId, endpoint: string, after: number, limit: number): Promise<readonly DueMoment[]>;

  /** Those of the origins that have an event which is not settled, or a dead letter that nobody has resolved. */
  pendingOrigins(partition: PartitionId, origins: readonly string[]): Promise<readonly string[]>;

  deadLetters(query: DeadLetterQuery, bounds?: ReadBounds): Promise<readonly DeadLetter[]>;

  countDeadLetters(filter: DeadLetterFilter, bounds?: Pick<ReadBounds, 'signal'>): Promise<DeadLetterCount>;

  /** Dead letters by kind, pipeline and what their reasons have in common, the largest groups first (then by these three). */
  deadLetterGroups(query: DeadLetterGroupQuery, bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly DeadLetterGroup[]>;

  /** Forgets what is older than the retention, a piece at a time, so that whatever is held no other call waits long for it. */
  prune(retention: Retention): Promise<Pruned>;

  /**
   * Runs a read-only SQL statement in the store's {@link dialect}. Whatever the rows hold, it is answered: an integer that a number
   * would round as a bigint, a blob as bytes. Throws `MILL_INVALID_REQUEST` for a statement that fails.
   */
  query(sql: string, parameters: readonly FoundValue[], bounds?: ReadBounds): Promise<readonly Readonly<Record<string, FoundValue>>[]>;

  /** The names of deliveries of an endpoint, declared or not, by key and id, at most `limit`. With a `key` only those of it. */
  deliveryNames(partition: PartitionId, endpoint: string, limit: number, key?: string): Promise<readonly DeliveryName[]>;

  /** The deliveries of an endpoint and a key, in the order of their ids, at most `limit`. */
  deliveriesOfKey(
    partition: PartitionId,
    endpoint: string,
    key: string,
    limit: number,
    bounds?: Pick<ReadBounds, 'signal'>,
  ): Promise<readonly DeliveryOfKey[]>;

  /** Armed timers, those due first in front, then by key and name. One of a name or a prefix looks at the others between them. */
  timers(partition: PartitionId, query: TimersQuery, bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly ListedTimer[]>;

  /** Deliveries of an endpoint, declared or not, by key and id. */
  deliveries(partition: PartitionId, query: DeliveriesQuery, bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly ListedDelivery[]>;

  /** Remembers that a declared pipeline is paused, or that it is no longer; `open` returns the paused ones. Notes in the same transaction who did it. */
  setPaused(pipeline: string, isPaused: boolean, entry?: AuditEntry): Promise<void>;

  /** Notes what an operator does, where no commit can. */
  noteAudit(entry: AuditEntry): Promise<void>;

  /** What operators have done, the latest first. */
  audit(query: AuditQuery, bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly AuditEntry[]>;

  /** Forgets what operators did before a moment; returns how many entries went. */
  forgetAudit(before: number): Promise<number>;

  /** The blocks that a key's record or index names, the highest first. Others are found from these, block by block. */
  blocksOfKey(partition: PartitionId, key: string, query: BlocksQuery, bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly number[]>;

  /** Events by their positions, without those that are forgotten, in any order. */
  eventsAt(partition: PartitionId, positions: readonly number[], bounds?: Pick<ReadBounds, 'signal'>): Promise<readonly EventAt[]>;

  /** The text of a block; null where there is none, or none any more. */
  block(partition: PartitionId, block: number, bounds?: Pick<ReadBounds, 'signal'>): Promise<string | null>;

  /** Forgets the first blocks of a partition below a number, at most `limit`; returns how many went. */
  forgetBlocks(partition: PartitionId, before: number, limit: number): Promise<number>;

  /**
   * What lies here of every pipeline that was ever declared and not forgotten since, and of every other that has rows in the inbox, in the order
   * of their names.
   */
  inventory(query: InventoryQuery): Promise<readonly StoredPipeline[]>;

  /**
   * Deletes all that lies here of a pipeline that is not declared now, but no rows of declared tables. It is the one call that may
   * take effect in parts: after a failure some of it may be gone, and calling it again deletes the rest. Throws `MILL_CONFLICT`
   * for a pipeline that is declared.
   */
  forget(pipeline: string): Promise<void>;

  /** Finishes what was called, then lets go of the database. Later calls throw `MILL_STORE_UNAVAILABLE`. */
  close(): Promise<void>;

  /** Figures for whoever watches the store. Asks no database, and answers at any time. */
  stats(): Promise<StoreStats>;
}

/** What a store says of itself. */
export interface StoreStats {
  /** Bytes that a write ahead log takes up on the disk; 0 where there is none. */
  readonly logBytes: number;
}

/** Where a store logs to; the logger of the engine is one. */
export interface StoreLogger {
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
}
