import type { Appended, CauseBounds, InboxQuery, ListBounds, Member, NewEvent, PartitionId, Pruned, Retention } from '../store.ts';
import type { LettersDialect } from '../tables/dead-letter-rows.ts';
import type { Flight } from './connection/flight.ts';
import type { Parameter, Row, Statement } from './connection/statement.ts';
import type { Batch } from './write/batch.ts';
import type { Column } from './write/columns.ts';
import type { KnownLines } from './write/line-floors.ts';
import type { PruneFloors } from './write/prune-floors.ts';

/*
 * The differences between databases, statement by statement. All of them have the same tables (their `schema/schema.ts`), and `sql/`
 * decides how to use these.
 */

/** Called with a partition and its owner, or null if it has none. */
export type Owned = (partition: PartitionId, owner: string | null) => void;

/** Called with each partition in which a row was added (1) or has gone (−1). */
export type Changed = (partition: PartitionId, by: number) => void;

/** The lease of a partition, by the epoch of its claim. */
export interface Leased {
  readonly partition: PartitionId;
  readonly epoch: number;
}

/** Statements for live processes and their leases. */
export interface LeaseStatements {
  /** Reports the process alive for `leaseMs` from now on, and returns whether it was known. */
  addBeat(flight: Flight, self: Omit<Member, 'since'>, leaseMs: number, beaten: (wasKnown: boolean) => void): void;

  /** Takes a partition, unless another live process has it. Returns the epoch if it did. */
  addClaim(flight: Flight, partition: PartitionId, process: string, claimed: (epoch: number) => void): void;

  /** Deletes a process, and others that expired that long ago. */
  addLeave(flight: Flight, process: string, forgottenAfterMs: number): void;

  /** Notifies all other processes that ownership may have changed; undefined if they cannot be notified. */
  tellAll(process: string): Statement | undefined;

  /** Notifies the owner of a partition, unless that is the process itself; undefined if it cannot be notified. */
  tellOwner(partition: PartitionId, process: string): Statement | undefined;
}

/** An upsert by the primary key of a table. */
export interface Upsert {
  readonly table: string;
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  /** The columns to change in an existing row; by default all except the key's. */
  readonly changed?: readonly string[];
}

/** Statements for appending, committing and deleting. A list of rows never names one twice. */
export interface WriteStatements {
  /** Locks the heads of partitions, in the same order for everyone, and returns the owner of each. */
  addHeadLocks(flight: Flight, partitions: readonly PartitionId[], owned: Owned): void;

  /**
   * Judges and appends events; earlier statements in the flight lock their heads. The answers, in the order of the events, are available
   * once the flight has committed.
   *
   * @param flightId identifies what it stored if its answer is lost
   */
  addAppends(flight: Flight, events: readonly NewEvent[], flightId: number): readonly Appended[];

  /** Returns slice, position, key, id and number of a flight's entries in the log of a pipeline, for each slice after a position. */
  logged(pipeline: string, after: readonly { readonly slice: number; readonly position: number }[], flightId: number): Statement;

  /** Fails unless every lease is the latest of its partition, and keeps others from taking one over until the transaction ends. */
  addFence(flight: Flight, leases: readonly Leased[]): void;

  /** Adds rows, in order. */
  addInsert(flight: Flight, table: string, columns: readonly Column[]): void;

  /** Adds the rows whose primary key, which is all of their columns, does not exist. */
  addMissing(flight: Flight, table: string, columns: readonly Column[]): void;

  addUpsert(flight: Flight, upsert: Upsert, added?: Changed): void;

  /** Deletes the rows with these values in these columns, which form a key of the table. */
  addRemoval(flight: Flight, table: string, columns: readonly Column[], removed?: Changed): void;

  /** Deletes held events: `pipeline`, `slice`, `key`, `from`, `to`. */
  addReleases(flight: Flight, columns: readonly Column[]): void;

  /** Resolves dead letters: those of a gap stay, all others are deleted. */
  addResolutions(flight: Flight, ids: readonly string[]): void;

  /** Changes deliveries: `pipeline`, `slice`, `endpoint`, `key`, `id_hash`, `attempts`, `due_at`, `pause`. */
  addRetries(flight: Flight, columns: readonly Column[]): void;

  /**
   * Adds deliveries, in order. An existing one keeps its place, its attempts, and its moment unless that is null; a restored one
   * (`is_asked` is false) changes nothing of it.
   */
  addAsks(flight: Flight, columns: readonly Column[], added: Changed, known: KnownLines): void;

  /**
   * Corrects the lines that deliveries have left or entered: `pipeline`, `slice`, `endpoint`, `key`, `id_hash`. Only the first two of each
   * line can be wrong. May report where lines begin.
   */
  addLineUp(flight: Flight, columns: readonly Column[], known: KnownLines): void;

  /** Answers commands (`id`, `answer`) that have no answer yet. */
  addAnswers(flight: Flight, columns: readonly Column[]): void;

  /** Deletes commands, and returns the id and the answer of each. */
  addWithdrawal(flight: Flight, ids: readonly string[], withdrawn: (rows: readonly Row[]) => void): void;

  /** Locks rows of the inbox, in the same order for everyone, and returns the pipeline and the place of each existing one. */
  inboxLock(rows: readonly InboxPlace[]): Statement;

  inboxRemoval(rows: readonly InboxPlace[]): Statement;

  /** Deletes data older than a retention. */
  prune(retention: Retention, floors: PruneFloors, pruned: (answer: Pruned) => void): Flight;

  /**
   * Deletes the commands that nobody waits for any more.
   *
   * @param now the database's clock, as an expression
   */
  addExpiry(flight: Flight, now: string): void;

  /** Deletes up to `rows` rows of a pipeline, which is the only parameter. */
  removePiece(table: string, rows: number): string;
}

/** A row of the inbox. */
export interface InboxPlace {
  readonly place: number;
  readonly pipeline: string;
}

/** Reading statements. Those about a partition have its pipeline and slice as `$1` and `$2`. */
export interface ReadStatements {
  readonly letters: LettersDialect;

  /** Returns the cursor and the highest position of a partition. */
  progress(partition: PartitionId): Statement;

  /**
   * See `Standing`: cursor, head, held events, dead letters, the parking ones among them, deliveries, gaps, and the highest block, 0 for
   * none.
   */
  standing(partition: PartitionId): Statement;

  /** Returns the slices of a pipeline that a process owns, with the highest position of each. */
  ownedHeads(pipeline: string, process: string): Statement;

  /**
   * Returns the records of the keys `$3`, in order, while the earlier states have fewer than `$4` bytes: the key's index (from 1), its
   * state and that state's version, the next number, whether it is parked, the first held number and the last held position, the number of
   * held events, and its gap: the next number, the first and since when; and the block that it names.
   */
  readonly records: string;

  /** Returns these columns of the causes of the keys `$3`, each once, in any order. */
  causesOfKeys(columns: string): string;

  /** Makes a parameter of keys or other texts, for the statements above and below. */
  list(texts: readonly string[]): Parameter;

  /**
   * Returns these columns of the events of slice `$1` after position `$2`, at most `$3`, in order, while the earlier bodies have fewer than
   * `$4` bytes.
   */
  log(log: string, columns: readonly string[]): string;

  /**
   * Returns these columns of a key's held events and of the log, from an order on, in order. Like the next four, it returns only as many
   * rows as the byte limit guarantees to fill the list.
   */
  held(asked: HeldOfKey, columns: string): Statement;

  /** Names of flows of the endpoint `$3` with deliveries that do not wait, from `$4` on, at most `$5`, in order. */
  readonly flows: string;

  /** Returns keys with held events, at most `$3`, in order; if `behind`, only those after `$4`. */
  heldKeys(behind: boolean): string;

  /** Returns keys of a table in a range, in order. */
  keysIn(walk: KeyWalk): string;

  /** Names of pipelines with rows in the inbox, at most `$1`. */
  readonly strangers: string;

  /**
   * Returns these columns of the due timers and outcomes, by moment and key; those of one key and moment come in any order, and may be too
   * many.
   */
  dueCauses(asked: DueCauses, columns: string): Statement;

  /** Returns these columns of the due deliveries, by moment. */
  dueDeliveries(asked: DueDeliveries, columns: string): Statement;

  /** Returns the number of the flow, from 1, and these columns of the first due deliveries of each of the given flows, by moment. */
  dueOfFlows(asked: DueOfFlows, columns: string): Statement;

  /** Returns those of the origins `$3` that are pending, in order. */
  pendingOrigins(pipeline: string): string;

  /** Returns slice, position and other columns of the events at places of a log. */
  events(pipeline: string, places: readonly { readonly slice: number; readonly position: number }[], columns: string): Statement;

  /** Counts the pipelines' waiting inbox rows, up to a limit: the name and the count of each. */
  waiting(pipelines: readonly string[], countMax: number): Statement;

  /** See `readInbox`: place, id, traceparent, event and length of a pipeline's first rows. */
  inboxRows(query: InboxQuery): Statement;

  /** Counts the accepted, unsettled events of the pipeline `$1`. */
  waitingEvents(pipeline: string): string;
}

/** The distinct keys of a table in the partition `$1` and `$2`, from the key `$3` on, at most `$4`. */
export interface KeyWalk {
  readonly table: string;
  /** A condition on the rows; undefined for all rows. */
  readonly condition: string | undefined;
  /** True if the range begins after `$3`. */
  readonly isBehind: boolean;
  /** True if the range ends before `$5`. */
  readonly isBounded: boolean;
}

/** Limits for a list of one partition: rows, and UTF-16 units of their texts. */
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
  /** The last item of the previous list. */
  readonly after: CauseBounds['after'];
}

interface DueDeliveries extends ListOfPartition {
  readonly endpoint: string;
  readonly dueBy: number;
}

/** Selects flows, and how many deliveries of each. */
interface DueOfFlows extends Omit<DueDeliveries, 'limit'> {
  /** Their names. */
  readonly flows: readonly string[];
  readonly each: number;
}

/** Statements for writing declared tables. */
export interface DeclaredStatements {
  /** Writes rows of one kind, at most once per key; empty if nothing changes. */
  write(batch: Batch): readonly Statement[];

  /** Identifies columns whose text length an index limits, and the limit in bytes. */
  readonly indexedText: { readonly type: RegExp; readonly limit: string };
}

/** Everything specific to a database. */
export interface SqlStatements {
  /** The database's clock, as an expression: milliseconds since 1970. */
  readonly now: string;

  /** Returns a condition: a column has one of the texts of a parameter made by `texts`. */
  isAmong(column: string, parameter: string): string;

  texts(values: readonly string[]): Parameter;

  readonly leases: LeaseStatements;
  readonly writes: WriteStatements;
  readonly reads: ReadStatements;
  readonly declared: DeclaredStatements;
}
