import type { Appended, CauseBounds, InboxQuery, ListBounds, Member, NewEvent, PartitionId, Pruned, Retention } from '../store.ts';
import type { LettersDialect } from '../tables/dead-letter-rows.ts';
import type { Flight } from './connection/flight.ts';
import type { Parameter, Row, Statement } from './connection/statement.ts';
import type { Batch } from './write/batch.ts';
import type { Column } from './write/columns.ts';
import type { KnownLines } from './write/line-floors.ts';
import type { PruneFloors } from './write/prune-floors.ts';

/*
 * What databases say differently, statement by statement. All of them have the same tables (their `schema/schema.ts`), and what is done with
 * these is decided here in `sql/`.
 */

/** Called with a partition and its owner, who is null where it has none. */
export type Owned = (partition: PartitionId, owner: string | null) => void;

/** Called with each partition in which a row was added (1) or has gone (−1). */
export type Changed = (partition: PartitionId, by: number) => void;

/** The lease of a partition, by the epoch of its claim. */
export interface Leased {
  readonly partition: PartitionId;
  readonly epoch: number;
}

/** Who lives, and who has what. */
export interface LeaseStatements {
  /** Says that the process lives for so long from now on. Tells whether it was known. */
  addBeat(flight: Flight, self: Omit<Member, 'since'>, leaseMs: number, beaten: (wasKnown: boolean) => void): void;

  /** Takes a partition, unless another process that lives has it. Tells the epoch if it did. */
  addClaim(flight: Flight, partition: PartitionId, process: string, claimed: (epoch: number) => void): void;

  /** Deletes a process, and those whose lives have ended so long ago. */
  addLeave(flight: Flight, process: string, forgottenAfterMs: number): void;

  /** Tells all other processes that who has what may have changed; undefined where nobody can be told. */
  tellAll(process: string): Statement | undefined;

  /** Tells the owner of a partition the same, unless that is the process itself; undefined where nobody can be told. */
  tellOwner(partition: PartitionId, process: string): Statement | undefined;
}

/** An upsert by the primary key of a table. */
export interface Upsert {
  readonly table: string;
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  /** What changes of a row that is there; by default all columns that are not of the key. */
  readonly changed?: readonly string[];
}

/** What is appended, committed and forgotten. All lists of rows are of one name each at most. */
export interface WriteStatements {
  /** Locks the heads of partitions, in one order for all, and tells who owns each. */
  addHeadLocks(flight: Flight, partitions: readonly PartitionId[], owned: Owned): void;

  /**
   * Judges and appends events; their heads are locked by what is in the flight before. The answers, in the order of the events, are there
   * once the flight has committed.
   *
   * @param flightId by which what it stored can be found when its answer is lost
   */
  addAppends(flight: Flight, events: readonly NewEvent[], flightId: number): readonly Appended[];

  /** Slice, position, key, id and number of what a flight has stored in the log of a pipeline, of each slice behind a position. */
  logged(pipeline: string, after: readonly { readonly slice: number; readonly position: number }[], flightId: number): Statement;

  /** Fails unless every lease is the latest of its partition, and keeps others from taking one over until the transaction ends. */
  addFence(flight: Flight, leases: readonly Leased[]): void;

  /** Adds rows, in their order. */
  addInsert(flight: Flight, table: string, columns: readonly Column[]): void;

  /** Adds those rows of which there is none with the same primary key, which is all of their columns. */
  addMissing(flight: Flight, table: string, columns: readonly Column[]): void;

  addUpsert(flight: Flight, upsert: Upsert, added?: Changed): void;

  /** Deletes the rows with these values in these columns, which are those of a key of the table. */
  addRemoval(flight: Flight, table: string, columns: readonly Column[], removed?: Changed): void;

  /** Deletes held events: `pipeline`, `slice`, `key`, `from`, `to`. */
  addReleases(flight: Flight, columns: readonly Column[]): void;

  /** Resolves dead letters: those of a gap stay, all others go. */
  addResolutions(flight: Flight, ids: readonly string[]): void;

  /** Changes deliveries: `pipeline`, `slice`, `endpoint`, `key`, `id_hash`, `attempts`, `due_at`, `pause`. */
  addRetries(flight: Flight, columns: readonly Column[]): void;

  /**
   * Adds deliveries, in their order. One that is there keeps its place, its attempts, and its moment unless that is null; one that is
   * restored (`is_asked` is false) changes nothing of it.
   */
  addAsks(flight: Flight, columns: readonly Column[], added: Changed, known: KnownLines): void;

  /**
   * Makes the lines right again that deliveries have left or entered: `pipeline`, `slice`, `endpoint`, `key`, `id_hash`. Only the first two of each line can be
   * wrong. May tell where lines begin.
   */
  addLineUp(flight: Flight, columns: readonly Column[], known: KnownLines): void;

  /** Answers commands (`id`, `answer`) that have none yet. */
  addAnswers(flight: Flight, columns: readonly Column[]): void;

  /** Deletes commands; tells the id and the answer of each. */
  addWithdrawal(flight: Flight, ids: readonly string[], withdrawn: (rows: readonly Row[]) => void): void;

  /** Locks rows of the inbox, in one order for all, and answers the pipeline and the place of each that is there. */
  inboxLock(rows: readonly InboxPlace[]): Statement;

  inboxRemoval(rows: readonly InboxPlace[]): Statement;

  /** Forgets what is older than a retention. */
  prune(retention: Retention, floors: PruneFloors, pruned: (answer: Pruned) => void): Flight;

  /**
   * Deletes the commands for which nobody waits any more.
   *
   * @param now the database's clock, as an expression
   */
  addExpiry(flight: Flight, now: string): void;

  /** Deletes so many rows of a pipeline, which is the only parameter. */
  removePiece(table: string, rows: number): string;
}

/** A row of the inbox. */
export interface InboxPlace {
  readonly place: number;
  readonly pipeline: string;
}

/** What is read. Statements about a partition have its pipeline and slice as `$1` and `$2`. */
export interface ReadStatements {
  readonly letters: LettersDialect;

  /** The cursor and the highest position of a partition. */
  progress(partition: PartitionId): Statement;

  /** See `Standing`: cursor, head, held events, dead letters, those that park, deliveries, gaps, and the highest block, 0 for none. */
  standing(partition: PartitionId): Statement;

  /** The slices of a pipeline that a process has, and the highest position of each. */
  ownedHeads(pipeline: string, process: string): Statement;

  /**
   * The records of keys, which are `$3`, in their order, as long as the states of those before have less than `$4` bytes: which key (from 1), its state and
   * the version of that, the next number, whether it is parked, the first number and the last position that are held, how many are held, and its gap: the next
   * number, the first and since when; and the block that it names.
   */
  readonly records: string;

  /** The causes of keys, which are `$3`, each there once: these columns, in any order. */
  causesOfKeys(columns: string): string;

  /** A parameter of keys or other texts, for the statements above and below. */
  list(texts: readonly string[]): Parameter;

  /**
   * Those columns of the events of the slice `$1` behind the position `$2`, at most `$3`, in their order, as long as the bodies of those before have less than
   * `$4` bytes.
   */
  log(log: string, columns: readonly string[]): string;

  /**
   * Those columns of the held events of a key and of the log, from an order on, in their order. As of the next four, only so many rows come as bytes make
   * sure that the list is as long as it may be.
   */
  held(asked: HeldOfKey, columns: string): Statement;

  /** Names of flows of the endpoint `$3` that do not wait, from `$4` on, at most `$5`, in their order. */
  readonly flows: string;

  /** Keys that have held events, at most `$3`, in their order; where it says so those behind `$4`. */
  heldKeys(behind: boolean): string;

  /** Keys of a table in a range, in their order. */
  keysIn(walk: KeyWalk): string;

  /** Names of pipelines that have rows in the inbox, at most `$1`. */
  readonly strangers: string;

  /** Those columns of the timers and outcomes that are due, by their moments and keys; those of one key and moment come in any order, and may be too many. */
  dueCauses(asked: DueCauses, columns: string): Statement;

  /** Those columns of the deliveries that are due, by their moments. */
  dueDeliveries(asked: DueDeliveries, columns: string): Statement;

  /** The number of the flow, from 1, and those columns of the first due deliveries of each of some flows, by their moments. */
  dueOfFlows(asked: DueOfFlows, columns: string): Statement;

  /** Those of the origins, which are `$3`, that are pending, in their order. */
  pendingOrigins(pipeline: string): string;

  /** Slice, position and other columns of events at places of a log. */
  events(pipeline: string, places: readonly { readonly slice: number; readonly position: number }[], columns: string): Statement;

  /** How many rows of pipelines wait in the inbox, up to a bound: the name and the count of each. */
  waiting(pipelines: readonly string[], countMax: number): Statement;

  /** See `readInbox`: place, id, traceparent, event and length of the first rows of a pipeline. */
  inboxRows(query: InboxQuery): Statement;

  /** How many events of a pipeline, which is `$1`, are accepted and not settled. */
  waitingEvents(pipeline: string): string;
}

/** The distinct keys of a table, of the partition `$1` and `$2`, from the key `$3` on, at most `$4`. */
export interface KeyWalk {
  readonly table: string;
  /** What the rows fulfil; undefined where all do. */
  readonly condition: string | undefined;
  /** Whether the range begins behind `$3`. */
  readonly isBehind: boolean;
  /** Whether the range ends before `$5`. */
  readonly isBounded: boolean;
}

/** What a list of one partition holds at most: rows, and UTF-16 units of their texts. */
interface ListOfPartition extends ListBounds {
  readonly partition: PartitionId;
  readonly limit: number;
}

interface HeldOfKey extends ListOfPartition {
  readonly key: string;
  /** The first order. */
  readonly from: number;
}

interface DueCauses extends ListOfPartition {
  readonly dueBy: number;
  /** The last one of the list before. */
  readonly after: CauseBounds['after'];
}

interface DueDeliveries extends ListOfPartition {
  readonly endpoint: string;
  readonly dueBy: number;
}

/** Of which flows deliveries are asked for, and how many of each. */
interface DueOfFlows extends Omit<DueDeliveries, 'limit'> {
  /** Their names. */
  readonly flows: readonly string[];
  readonly each: number;
}

/** How declared tables are written. */
export interface DeclaredStatements {
  /** Writes rows of one kind, of one key once each at most; nothing where nothing changes. */
  write(batch: Batch): readonly Statement[];

  /** Whether a column of this type has a text whose length an index limits, and how many bytes that may have. */
  readonly indexedText: { readonly type: RegExp; readonly limit: string };
}

/** All that a database says in its own way. */
export interface SqlStatements {
  /** The database's clock, as an expression: milliseconds since 1970. */
  readonly now: string;

  /** A condition: that a column has one of the texts of a parameter, made by `texts`. */
  isAmong(column: string, parameter: string): string;

  texts(values: readonly string[]): Parameter;

  readonly leases: LeaseStatements;
  readonly writes: WriteStatements;
  readonly reads: ReadStatements;
  readonly declared: DeclaredStatements;
}
