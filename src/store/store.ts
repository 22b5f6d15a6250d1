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
 * - **timers**: the named alarms that turns have armed, by key and name.
 * - **deliveries**: calls that turns asked for and that have no outcome yet, in the order in which they were asked for.
 * - **outcomes**: what became of deliveries and their keys have not been told yet, by key, endpoint and id.
 * - **dead letters** and the rows of declared tables.
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

import type { Dialect } from 'kysely';
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

/** The same of timers and outcomes. */
export interface CauseBounds extends ListBounds {
  /** Only those behind this place. */
  readonly after?: CausePlace | undefined;
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
  /** Whether all of its keys live in one slice; by default each lives where its hash says. */
  readonly isTogether?: boolean;
  /** How its states are stored from now on; absent where it keeps none. */
  readonly state?: { readonly version: number /** A fingerprint of the schema. */; readonly shape: string };
}

/** What the store knows of former declarations. */
export interface Opened {
  /** Pipelines of which states may lie here that were stored under the present version of the schema and another shape. */
  readonly reshaped: readonly string[];
  /** Pipelines that were declared with another `isTogether` before, and of which something lies where it was then. */
  readonly misplaced: readonly string[];
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

  /**
   * Takes rows of the inbox, one answer for each, in order. Every later claim counts the dead letters that it makes of them. Throws
   * `MILL_STORE_FENCED`, and changes nothing, once the lease is over. Only where the store has an inbox.
   */
  takeInbox?(takings: readonly InboxTaking[]): Promise<readonly InboxTaken[]>;

  /** Ends it, so that others need not wait until it has run out. Does nothing once it is over. */
  release(): Promise<void>;
}

/** An engine at work on a database. */
export interface Member {
  /** Another one with each `open`. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Of Millrace. */
  readonly version: string;
  /** When it first said that it lives, by the database's clock: milliseconds since 1970. */
  readonly since: number;
  /** Those that it declares, and so can work on. */
  readonly pipelines: readonly string[];
}

/** Who works on a partition. */
export interface Ownership {
  /** Who has its lease; null when nobody has. */
  readonly owner: string | null;
  /** The highest position in its log. Only where the engine that asks has the lease; otherwise 0. */
  readonly head: number;
}

/** Hears of what other engines on a database do: a hint, which may come late, twice or never. */
export interface StoreListener {
  /** Events have come into the log of a partition. */
  appended(partition: PartitionId): void;
  /** An engine came or left, or leases are free. */
  rollChanged(): void;
}

/** Who works on a database, and on what. */
export interface Roll {
  /** The engine that asks. */
  readonly self: string;
  /** Those that live, the one that asks among them, in the order in which they came. */
  readonly members: readonly Member[];
  /** In how many milliseconds the next of the others lives no longer, unless it says again that it does; infinite where there is none. */
  readonly nextEndMs: number;
  /** The slices of each pipeline that the engine that asks declares. */
  readonly partitions: ReadonlyMap<string, readonly Ownership[]>;
  /** Those of its pipelines that are paused. */
  readonly paused: ReadonlySet<string>;
  /** What the owners of its partitions have been told to do and have not answered, in the order of their ids; perhaps not all of it. */
  readonly commands?: readonly StoredCommand[] | undefined;
}

/** Something that the owner of a partition is told to do. */
export interface StoredCommand {
  readonly id: string;
  readonly partition: PartitionId;
  /** What it is, as JSON. */
  readonly body: string;
}

/** What came of a command. */
export interface CommandAnswer {
  /** Of the command. */
  readonly id: string;
  /** What came of it, as JSON. */
  readonly answer: string;
}

/**
 * What engines have the owners of partitions do, where they share a database. A command lies in the database until it is withdrawn, and for no
 * longer than its giver waits: whoever owns the partition meanwhile finds it with a beat, and answers it by a commit.
 */
export interface Commands {
  /** Keeps a command for so long, by the database's clock, and tells the owner of the partition, if there is one. */
  give(command: StoredCommand, forMs: number): Promise<void>;

  /** The answers that there are to some of these commands. */
  answers(ids: readonly string[]): Promise<readonly CommandAnswer[]>;

  /** Forgets commands, those that are under way among them; returns the answers that there were. */
  withdraw(ids: readonly string[]): Promise<readonly CommandAnswer[]>;
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
  /** The highest position of what is held; null when nothing is. */
  readonly heldTo: number | null;
  readonly held: number;
  /** The gap that was noted last; null where none is. */
  readonly gap: Gap | null;
  /** The pending timers, by name. */
  readonly timers: readonly StoredTimer[];
  /** What it has not been told yet, by endpoint and id. */
  readonly outcomes: readonly StoredOutcome[];
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

/** A named alarm that a turn has armed. */
export interface StoredTimer {
  readonly kind: 'timer';
  readonly key: string;
  readonly name: string;
  readonly dueAt: number;
  /** JSON, or null for none. */
  readonly data: string | null;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Not to be tried before, in milliseconds since 1970; null: as soon as it is due. */
  readonly retryAt: number | null;
}

/** What became of a delivery, to tell its key of. */
export interface StoredOutcome {
  readonly kind: 'outcome';
  readonly key: string;
  readonly endpoint: string;
  /** Of the delivery. */
  readonly id: string;
  /** When it became known. It is due from then on, whatever the clock says later. */
  readonly dueAt: number;
  /** What the key is told, as JSON. */
  readonly data: string;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Not to be tried before, in milliseconds since 1970; null: at once. */
  readonly retryAt: number | null;
}

/** Why a key is to have a turn, other than an event. */
export type StoredCause = StoredTimer | StoredOutcome;

export type TimerName = Pick<StoredTimer, 'kind' | 'key' | 'name'>;
export type OutcomeName = Pick<StoredOutcome, 'kind' | 'key' | 'endpoint' | 'id'>;

/** Which timer or outcome of a partition. */
export type CauseName = TimerName | OutcomeName;

/** The place of a timer or outcome in the order in which they come due. */
export type CausePlace = CauseName & Pick<StoredCause, 'dueAt'>;

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

/** Arms a timer, in place of one of that name, or, without a moment, disarms it. */
export type TimerWrite = StoredTimer | (TimerName & { readonly dueAt: null });

/** Keeps an outcome, in place of one of that name, or, without a moment, removes it. */
export type OutcomeWrite = StoredOutcome | (OutcomeName & { readonly dueAt: null });

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

/** A moment at which deliveries come due. */
export interface DueMoment {
  /** Milliseconds since 1970. */
  readonly dueAt: number;
  /** The shortest pause of those that come due then, in milliseconds: when that began, it was so much earlier. */
  readonly pauseMs: number;
}

/** Which delivery of a partition. */
export type DeliveryName = Pick<StoredDelivery, 'endpoint' | 'key' | 'id'>;

/**
 * - `ask`: a delivery behind all others; in the place of the one of its name, if there is one. That keeps its attempts, its
 *   `askedAt`, and its `dueAt` unless that is null.
 * - `restore`: a delivery behind all others; does nothing when there is one of its name.
 * - `retry`: sets what is said of the one of that name; does nothing when there is none. `pauseMs` is what was left until `dueAt` then: 0 where
 *   that is null, as it is for one that is asked for.
 * - `remove`: it is gone.
 */
export type DeliveryWrite =
  | { readonly write: 'ask' | 'restore'; readonly delivery: StoredDelivery }
  | ({ readonly write: 'retry' } & DeliveryName & Pick<StoredDelivery, 'attempts' | 'dueAt'> & Pick<DueMoment, 'pauseMs'>)
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

/** An outcome that its key could not be told. */
type FailedOutcome = {
  readonly kind: 'outcome';
  readonly outcome: Pick<StoredOutcome, 'endpoint' | 'id' | 'dueAt' | 'data'>;
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
export type NewDeadLetter = DeadLetterHead & (FailedEvent | FailedTimer | FailedOutcome | FailedDelivery | SkippedGap | RejectedOrigin);

/** What the log has of a failed event. */
type LoggedFailure = Pick<LoggedEvent, 'body' | 'acceptedAt' | 'origin'> & { readonly eventId: string };

/** A dead letter as it is read: one of an event with what the log has of that. */
export type DeadLetter = DeadLetterHead & { readonly partition: PartitionId } & (
    | (FailedEvent & LoggedFailure)
    | FailedTimer
    | FailedOutcome
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
}

export interface Committed {
  /** What became of each of the commit's sends. */
  readonly sends: readonly Appended[];
  /** By how much it changed the number of deliveries. */
  readonly deliveriesAdded: number;
  /** By how much it changed the number of gaps. */
  readonly gapsAdded: number;
}

/** A row that comes into the inbox. */
export interface NewInboxRow extends Pick<InboxRow, 'id' | 'traceparent' | 'event'> {
  readonly pipeline: string;
}

/** An event that another program has put into the inbox, in a transaction of its own. */
export interface InboxRow {
  /** Rises from row to row, in the order in which they were inserted. */
  readonly place: number;
  /** The idempotency key of the event; null for none. */
  readonly id: string | null;
  readonly traceparent: string | null;
  /** What is to be JSON; of a text that is too long only its beginning. */
  readonly event: string;
  /** Characters of the whole text. */
  readonly length: number;
}

export interface InboxQuery extends ListBounds {
  readonly pipeline: string;
  /** Places of rows that are left out. */
  readonly except: readonly number[];
  /** Of a longer text only so many characters are read. */
  readonly eventLengthMax: number;
  readonly limit: number;
}

/** What becomes of a row of the inbox: an event of its pipeline, or a dead letter of the partition under whose lease it is taken, which is of its pipeline. */
export type InboxTaking = { readonly place: number } & ({ readonly event: NewEvent } | { readonly letter: NewDeadLetter });

/**
 * - As by `append`. A row whose event is `late` stays where it is.
 * - `buried`: it is a dead letter.
 * - `gone`: it is no longer there, since somebody else has taken or deleted it. Nothing was stored.
 */
export type InboxTaken = Appended | { readonly status: 'buried' | 'gone' };

/**
 * The table `millrace_inbox (pipeline, event, id, traceparent)`, into which any program inserts events beside its own rows. A row that is
 * taken leaves it in the transaction in which its event enters the log: no crash can take it twice, nor lose it.
 */
export interface Inbox {
  /**
   * Counts the rows that wait, up to `countMax` of each pipeline: of those named, and of the first of all others, which may be a hundred. Without
   * those of which none wait. Takes no longer however many rows wait.
   */
  waiting(pipelines: readonly string[], countMax: number): Promise<readonly NamedCount[]>;

  /** The first rows of a pipeline that have committed, in the order of their places. */
  rows(query: InboxQuery): Promise<readonly InboxRow[]>;

  /**
   * Tells that rows may have come: within about a second after they have committed, most often within milliseconds, and perhaps although none
   * has. The returned function ends that.
   */
  listen(grown: () => void): () => void;
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
  /** Pending timers by name. */
  readonly timers: readonly NamedCount[];
  /** Outcomes by endpoint. */
  readonly outcomes: readonly NamedCount[];
  /** Deliveries by endpoint. */
  readonly deliveries: readonly NamedCount[];
  /** Dead letters that nobody has resolved. */
  readonly deadLetters: number;
  /** Rows of the inbox; 0 where the store has none. */
  readonly inbox: number;
}

/** What Kysely makes statements by that a database understands. */
export interface SqlDialect extends Pick<Dialect, 'createAdapter' | 'createIntrospector' | 'createQueryCompiler'> {
  /** A moment, which is a text in UTC with milliseconds, as the database compares it with a column of moments; as it is where this is absent. */
  readonly momentText?: (moment: string) => string;
}

export interface Store {
  /** For messages: `sqlite`, `memory`, `postgres`. */
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

  /** Forgets what is older than the retention, a piece at a time, so that whatever is held no other call waits long for it. */
  prune(retention: Retention): Promise<Pruned>;

  /**
   * Runs a read-only SQL statement in the store's {@link dialect}. Whatever the rows hold, it is answered: an integer that a number
   * would round as a bigint, a blob as bytes. Throws `MILL_INVALID_REQUEST` for a statement that fails.
   */
  query(sql: string, parameters: readonly FoundValue[], bounds?: ReadBounds): Promise<readonly Readonly<Record<string, FoundValue>>[]>;

  /** The names of deliveries of an endpoint, declared or not, by key and id, at most `limit`. With a `key` only those of it. */
  deliveryNames(partition: PartitionId, endpoint: string, limit: number, key?: string): Promise<readonly DeliveryName[]>;

  /** Remembers that a declared pipeline is paused, or that it is no longer; `open` returns the paused ones. */
  setPaused(pipeline: string, isPaused: boolean): Promise<void>;

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
