/**
 * The port to a database. The engine knows a store by this page alone; `contract.ts` holds every implementation to it.
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
 * - **deliveries**: calls that turns asked for and that have no outcome yet, in the order in which they were asked for.
 * - **timers**, **dead letters** and the rows of declared tables.
 *
 * Whoever lists what may be large says how much of it: with `charactersMax` a list ends with the item that brings the texts of
 * its items to that many UTF-16 units (`list-size.ts` says which texts), so that it always has an item where there is one.
 *
 * The port says by its types who may do what. A **store** is for anyone: whoever has opened it brings events in and reads. A
 * **lease** is for the one engine that has claimed a partition: it alone commits. **Announcements** tell an engine that a log
 * has grown by another's hand; they are hints, and one that is lost costs time and nothing else.
 *
 * All calls are asynchronous and work on batches. Calls may overlap; each is atomic: it takes effect whole and is on
 * disk before it is answered, or it throws and took no effect. The one exception is `MILL_STORE_UNAVAILABLE`, after
 * which nobody knows: the caller claims the partition again and looks. Errors are `MillraceError`s with a
 * `MILL_STORE_…` code, except where a call says otherwise. After `MILL_STORE_FULL` the same call may succeed once there is room.
 *
 * Reads with a signal are for somebody outside the engine. They never keep the engine's own reads waiting, and once the signal is
 * aborted they reject with its reason and cost nothing more, as soon as the database allows.
 */

import type { FoundValue, SqlValue, Table } from '../pipeline/table.ts';

/** Where a list ends that may be large. */
export interface ListBounds {
  /** The list ends with the item that brings the texts of its items to so many UTF-16 units. */
  readonly charactersMax?: number | undefined;
}

/** The same of what may be read for somebody outside the engine. */
export interface ReadBounds extends ListBounds {
  /** Given where somebody outside the engine reads: ends the read. */
  readonly signal?: AbortSignal | undefined;
}

/** The same of timers. */
export interface TimerBounds extends ListBounds {
  /** Only timers behind this place. */
  readonly after?: TimerPlace | undefined;
}

/** A slice of one pipeline's keys, read by one owner at a time. */
export interface PartitionId {
  readonly pipeline: string;
  /** 0 to `Store.partitions` − 1. */
  readonly slice: number;
}

/** What the store must be ready for. */
export interface StoreDeclaration {
  readonly pipelines: readonly DeclaredPipeline[];
  readonly tables: readonly Table[];
}

export interface DeclaredPipeline {
  readonly name: string;
  readonly numbered: boolean;
  /** How its states are stored from now on; absent where it keeps none. */
  readonly state?: { readonly version: number /** A fingerprint of the schema. */; readonly shape: string };
}

/** What the store knows of former declarations. */
export interface Opened {
  /** Pipelines of which states may lie here that were stored under the present version of the schema and another shape. */
  readonly reshaped: readonly string[];
  /** Declared pipelines that are paused (`setPaused`). */
  readonly paused: readonly string[];
}

/** What there is of a partition at the moment in which it is claimed. */
export interface Standing {
  readonly cursor: number;
  /** The highest position in the log, at least the cursor. */
  readonly head: number;
  /** How many events are held. */
  readonly held: number;
  /** How many dead letters nobody has resolved. */
  readonly deadLetters: number;
  /** How many of these parked their key. */
  readonly parked: number;
  /** How many deliveries there are. */
  readonly deliveries: number;
  /** How many gaps are noted. */
  readonly gaps: number;
}

/**
 * The ownership of a partition, from a claim until another claim takes it over, it is released, or it has run out. A store that one
 * engine has to itself gives leases that never run out.
 */
export interface Lease {
  readonly partition: PartitionId;
  readonly standing: Standing;

  /** Throws `MILL_STORE_FENCED`, and changes nothing, once the lease is over. */
  commit(commit: Commit): Promise<Committed>;

  /** Makes it last as long again as it lasts from a claim. Throws `MILL_STORE_FENCED` once it is over. */
  renew(): Promise<void>;

  /** Ends it, so that others need not wait until it has run out. Does nothing once it is over. */
  release(): Promise<void>;
}

/** How far the work on a partition has come. */
export type Progress = Pick<Standing, 'cursor' | 'head'>;

export interface NewEvent {
  readonly partition: PartitionId;
  readonly key: string;
  readonly id: string;
  /**
   * Where somebody chose the id: another event with it, accepted at this moment (milliseconds since 1970) or later, makes
   * this one a duplicate. Null where nobody did; such an id need not be remembered. Null beside a number.
   */
  readonly knownSince: number | null;
  /** The event's own number in a numbered pipeline, otherwise null. */
  readonly number: number | null;
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** The parsed event as JSON. */
  readonly body: string;
  /** What the event is part of, in the form of W3C Trace Context; null for nothing. */
  readonly traceparent: string | null;
  /** What a source made the event from, such as a row of a table, as JSON; null for an event of a caller or a turn. */
  readonly origin: string | null;
}

/**
 * - `accepted`: it is in the log.
 * - `duplicate`: its chosen id is known, or its number is applied or held for its key. Nothing was stored.
 * - `late`: its number was skipped (a dead letter of a gap). Nothing was stored.
 */
export type Appended = { readonly status: 'accepted'; readonly position: number } | { readonly status: 'duplicate' | 'late' };

export interface LoggedEvent {
  readonly position: number;
  readonly key: string;
  readonly id: string;
  readonly number: number | null;
  readonly acceptedAt: number;
  readonly body: string;
  readonly traceparent: string | null;
  readonly origin: string | null;
}

export interface HeldEvent extends LoggedEvent {
  /** Its place among the key's held events: its number, or its position. */
  readonly order: number;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Not to be tried before, in milliseconds since 1970; null: at once. */
  readonly retryAt: number | null;
}

export interface StoredState {
  readonly json: string;
  readonly version: number;
}

export interface KeyRecord {
  readonly state: StoredState | null;
  /** The next number to apply; null when no number was applied or skipped yet. */
  readonly next: number | null;
  readonly parked: boolean;
  /** The lowest held order; null when nothing is held. */
  readonly heldFrom: number | null;
  readonly held: number;
  /** The gap that was noted last; null where none is. */
  readonly gap: Gap | null;
  /** The pending timers, by name. */
  readonly timers: readonly StoredTimer[];
}

/** What a key waits for that holds events and cannot go on without a number. */
export interface Gap {
  /** The lowest number that is missing. */
  readonly next: number;
  /** The lowest number that waits. */
  readonly first: number;
  /** The moment that the waiting counts from, in milliseconds since 1970. */
  readonly since: number;
}

export interface StoredGap extends Gap {
  readonly key: string;
}

/** Notes the gap of a key, in place of its former one, or (null) forgets it. */
export interface GapWrite {
  readonly key: string;
  readonly gap: Gap | null;
}

export interface GapQuery {
  /** Only those whose `since` is at or before this moment. */
  readonly until?: number | undefined;
  /** Only those behind this place. */
  readonly after?: Pick<StoredGap, 'since' | 'key'> | undefined;
  readonly limit: number;
}

export interface StoredTimer {
  readonly name: string;
  readonly dueAt: number;
  /** JSON, or null for none. */
  readonly data: string | null;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Not to be tried before, in milliseconds since 1970; null: as soon as it is due. */
  readonly retryAt: number | null;
}

/** A timer and whose it is. */
export interface KeyedTimer extends StoredTimer {
  readonly key: string;
}

/** The place of a timer in the order in which timers come due. */
export type TimerPlace = Pick<KeyedTimer, 'dueAt' | 'key' | 'name'>;

/** What becomes of a key: replaces its whole record. */
export interface KeyUpdate {
  readonly key: string;
  readonly state: StoredState | null;
  readonly next: number | null;
  readonly parked: boolean;
}

/** Holds an event of the log, or changes the attempts of one that is held. */
export interface Hold {
  readonly key: string;
  readonly order: number;
  readonly position: number;
  readonly attempts: number;
  readonly retryAt: number | null;
}

/** Lets go of the held events of a key with `from ≤ order ≤ to`: they are settled. */
export interface Release {
  readonly key: string;
  readonly from: number;
  readonly to: number;
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

/** Arms a timer, in place of one of that name, or (null) disarms it. */
export interface TimerWrite {
  readonly key: string;
  readonly name: string;
  readonly timer: Omit<StoredTimer, 'name'> | null;
}

/** A call that a turn asked for. */
export interface StoredDelivery {
  /** The idempotency key; of an endpoint and key one delivery has it at a time. */
  readonly id: string;
  readonly key: string;
  readonly endpoint: string;
  /** What it shares places with: deliveries of one endpoint and flow are kept from hiding those of its other flows. */
  readonly flow: string;
  /** The payload as JSON. */
  readonly body: string;
  readonly url: string | null;
  /** Whether it waits until those of its endpoint and key that were asked for before it are gone. The same for all of an endpoint. */
  readonly ordered: boolean;
  readonly askedAt: number;
  readonly traceparent: string | null;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Not to be tried before, in milliseconds since 1970; null: not until it is asked for again. */
  readonly dueAt: number | null;
}

/** Which due deliveries to read flow by flow. */
export interface FlowQuery extends ListBounds {
  readonly endpoint: string;
  /** Those due at or before, in milliseconds since 1970. */
  readonly dueBy: number;
  /** The name of a flow, which need not be there; null: the first of all. */
  readonly from: string | null;
  readonly flows: number;
  readonly each: number;
}

export interface DueByFlow {
  readonly deliveries: readonly StoredDelivery[];
  /** The first flow that was not looked at; null when there is none. */
  readonly next: string | null;
}

/** Which delivery of a partition. */
export type DeliveryName = Pick<StoredDelivery, 'endpoint' | 'key' | 'id'>;

/**
 * - `ask`: a delivery behind all others; in the place of the one of its name, if there is one. That keeps its attempts, its
 *   `askedAt`, and its `dueAt` unless that is null.
 * - `restore`: a delivery behind all others; does nothing when there is one of its name.
 * - `retry`: sets what is said of the one of that name; does nothing when there is none.
 * - `remove`: it is gone.
 */
export type DeliveryWrite =
  | { readonly write: 'ask' | 'restore'; readonly delivery: StoredDelivery }
  | ({ readonly write: 'retry' } & DeliveryName & Pick<StoredDelivery, 'attempts' | 'dueAt'>)
  | ({ readonly write: 'remove' } & DeliveryName);

/** What every dead letter says, whatever was given up. */
type DeadLetterHead = {
  readonly id: string;
  readonly key: string;
  readonly reason: string;
  /** The stack of what was thrown, with the chain of causes, as text; null where nothing was thrown. */
  readonly stack: string | null;
  readonly failedAt: number;
  readonly attempts: number;
};

/** An event that failed, by its place in the log. */
type FailedEvent = {
  readonly kind: 'event';
  readonly event: { readonly position: number; readonly order: number };
  /** Whether its key was parked for it. Nothing else parks a key. */
  readonly parked: boolean;
};

type FailedTimer = {
  readonly kind: 'timer';
  readonly timer: Pick<StoredTimer, 'name' | 'dueAt' | 'data'>;
};

type FailedDelivery = {
  readonly kind: 'delivery';
  readonly delivery: Omit<StoredDelivery, 'key' | 'flow' | 'attempts' | 'dueAt'>;
};

/** Numbers that were skipped. */
type SkippedGap = {
  readonly kind: 'gap';
  readonly numbers: { readonly from: number; readonly to: number };
};

/** An origin of which no event could be made. */
type RejectedOrigin = {
  readonly kind: 'origin';
  readonly origin: string;
};

/** What was given up; `kind` says which. */
export type NewDeadLetter = DeadLetterHead & (FailedEvent | FailedTimer | FailedDelivery | SkippedGap | RejectedOrigin);

/** What the log has of a failed event. */
type LoggedFailure = Pick<LoggedEvent, 'body' | 'acceptedAt' | 'origin'> & { readonly eventId: string };

/** A dead letter as it is read: one of an event with what the log has of that. */
export type DeadLetter = DeadLetterHead & { readonly partition: PartitionId } & (
    | (FailedEvent & LoggedFailure)
    | FailedTimer
    | FailedDelivery
    | SkippedGap
    | RejectedOrigin
  );

/** What may be given up. */
export type DeadLetterKind = DeadLetter['kind'];

/** A dead letter of one kind. */
export type DeadLetterOf<Kind extends DeadLetterKind> = Extract<DeadLetter, { readonly kind: Kind }>;

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
  readonly deliveries: readonly DeliveryWrite[];
  /** Throws `MILL_COMMIT_REFUSED` when the database refuses a row, by a constraint or trigger of its own. */
  readonly rows: readonly RowWrite[];
  readonly deadLetters: readonly NewDeadLetter[];
  /** Ids of dead letters that were redriven or discarded: they are listed no more. Numbers that one of them skipped stay `late`. */
  readonly resolvedDeadLetters: readonly string[];
  /** Events to append, to any partition, as by `append`. */
  readonly sends: readonly NewEvent[];
}

export interface Committed {
  /** What became of each of the commit's sends. */
  readonly sends: readonly Appended[];
  /** By how much it changed the number of deliveries. */
  readonly deliveriesAdded: number;
  /** By how much it changed the number of gaps. */
  readonly gapsAdded: number;
}

export interface DeadLetterQuery<Name extends string = string> {
  readonly pipeline?: Name | undefined;
  readonly key?: string | undefined;
  readonly id?: string | undefined;
  /** Only those after this id in id order, which is the order in which they failed. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface Retention {
  readonly partition: PartitionId;
  /** Settled events accepted before may go; held events and those of dead letters stay. Milliseconds since 1970. */
  readonly acceptedBefore: number;
  /** Chosen ids accepted before may be forgotten, and in the end are. */
  readonly idsBefore: number;
  /** Only events behind this position are looked at; 0 for all. */
  readonly after: number;
  /** At most so many events are looked at, and so many ids forgotten, in one call. */
  readonly limit: number;
}

export interface Pruned {
  /** How many events and ids went. */
  readonly count: number;
  /** The position behind which the next call goes on; null when there is nothing more to forget. */
  readonly after: number | null;
}

/** How many of a name there are. */
export interface NamedCount {
  readonly name: string;
  readonly count: number;
}

export interface InventoryQuery {
  /** Pipelines whose states need not be counted, which takes a look at every key. */
  readonly uncounted: readonly string[];
  /** Pipelines of few keys, whose names are told. */
  readonly named: readonly string[];
}

/** What lies in the store of one pipeline, declared or not. Lists are in the order of their names. */
export interface StoredPipeline {
  readonly pipeline: string;
  /** Events that are accepted and not settled. */
  readonly waiting: number;
  /** Keys with a state; null where they need not be counted. */
  readonly states: number | null;
  /** The keys with a state, where their names are asked for. */
  readonly keys: readonly string[];
  /** Pending timers by name; those whose names have more than two parts (`a/b/c`) by the first two (`a/b`). */
  readonly timers: readonly NamedCount[];
  /** Deliveries by endpoint. */
  readonly deliveries: readonly NamedCount[];
  /** Dead letters that nobody has resolved. */
  readonly deadLetters: number;
}

export interface Store {
  /** For messages: `sqlite`, `memory`. */
  readonly kind: string;
  /** How long a lease lasts that is not renewed, in milliseconds; undefined where leases never run out. */
  readonly leaseMs?: number | undefined;
  /** Slices per pipeline. The same for the life of a database. */
  readonly partitions: number;

  /**
   * Opens the database, creates what is missing, migrates declared tables, and takes ownership. Throws
   * `MILL_STORE_OWNED` when another process has it, `MILL_TABLE_CHANGED` when a table cannot be migrated without loss.
   *
   * @param log takes what no call can be answered with, while it is open
   */
  open(declaration: StoreDeclaration, log?: StoreLog): Promise<Opened>;

  /**
   * Takes a partition over: the lease that another claim of this store's has given is over. Throws `MILL_STORE_LEASED` while another
   * engine has its lease.
   */
  claim(partition: PartitionId): Promise<Lease>;

  /** Tells of what other engines have brought into logs, by this store or others on the same data. The returned function ends that. */
  listen(announced: (partition: PartitionId) => void): () => void;

  /** Judges and stores events, one answer for each, in order. The same id or number twice in a batch: the first is accepted. */
  append(events: readonly NewEvent[]): Promise<readonly Appended[]>;

  /** How far the owner of a partition has come, for those who do not own it. */
  progress(partition: PartitionId): Promise<Progress>;

  /** The log after a position, in position order, at most `limit`. */
  read(partition: PartitionId, after: number, limit: number, bounds?: ListBounds): Promise<readonly LoggedEvent[]>;

  /** The records of keys, in the order asked; an unknown key has an empty record. With `charactersMax` perhaps only those of the first keys. */
  load(partition: PartitionId, keys: readonly string[], bounds?: ReadBounds): Promise<readonly KeyRecord[]>;

  /** A key's held events with `order ≥ from`, in order, at most `limit`. */
  held(partition: PartitionId, key: string, from: number, limit: number, bounds?: ListBounds): Promise<readonly HeldEvent[]>;

  /** Keys that have held events, in key order after `after`, at most `limit`. */
  heldKeys(partition: PartitionId, after: string | null, limit: number): Promise<readonly string[]>;

  /** The gaps that are noted, those of the earliest `since` first (then by key). Takes no longer however many events are held. */
  gaps(partition: PartitionId, query: GapQuery): Promise<readonly StoredGap[]>;

  /** Pending timers due at or before a moment, soonest first (then by key and name), at most `limit`. */
  dueTimers(partition: PartitionId, dueBy: number, limit: number, bounds?: TimerBounds): Promise<readonly KeyedTimer[]>;

  /** When the soonest timer after a moment is due; null when there is none. */
  nextTimerDue(partition: PartitionId, after: number): Promise<number | null>;

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

  /** Those of the origins that have an event which is not settled, or a dead letter that nobody has resolved. */
  pendingOrigins(partition: PartitionId, origins: readonly string[]): Promise<readonly string[]>;

  deadLetters(query: DeadLetterQuery, bounds?: ReadBounds): Promise<readonly DeadLetter[]>;

  /** Forgets what is older than the retention, a piece at a time, so that whatever is held no other call waits long for it. */
  prune(retention: Retention): Promise<Pruned>;

  /**
   * Runs a read-only SQL statement in the dialect of `kind`. Whatever the rows hold, it is answered: an integer that a number
   * would round as a bigint, a blob as bytes. Throws `MILL_INVALID_REQUEST` for a statement that fails.
   */
  query(sql: string, parameters: readonly FoundValue[], bounds?: ReadBounds): Promise<readonly Readonly<Record<string, FoundValue>>[]>;

  /** The names of deliveries of an endpoint, declared or not, by key and id, at most `limit`. With a `key` only those of it. */
  deliveryNames(partition: PartitionId, endpoint: string, limit: number, key?: string): Promise<readonly DeliveryName[]>;

  /** Remembers that a declared pipeline is paused, or that it is no longer; `open` returns the paused ones. */
  setPaused(pipeline: string, isPaused: boolean): Promise<void>;

  /** What lies here of every pipeline that was ever declared and not forgotten since, in the order of their names. */
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

/** Where a store logs to; the engine's log is one. */
export interface StoreLog {
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
}
