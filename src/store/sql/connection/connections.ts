import type { MillraceError } from '../../../errors.ts';
import type { Flight, StatementResult } from './flight.ts';
import type { Statement } from './statement.ts';

/** What is known of a store's connections. All times are in milliseconds. */
export interface ConnectionLimits {
  /** The database, for messages: without user, password and parameters. */
  readonly name: string;
  readonly maxConnections: number;
  readonly statementTimeoutMs: number;
}

/** What was thrown by a database or its driver, judged. */
export interface SqlErrors {
  /** Whether the connection is none any more, or the server behind it cannot do its work: what was under way may have taken effect or not. */
  isConnectionFault(thrown: unknown): boolean;
  /** Whether the database refused something in particular, so that others of a group may succeed without the one that asked for it. */
  isRefusal(thrown: unknown): boolean;
  /** Whether a value or a constraint was at fault. */
  isValueFault(thrown: unknown): boolean;
  /** Whether it was the fence: a commit under a lease that is over. */
  isFenced(thrown: unknown): boolean;
  /** Whether a value is too long for an index. */
  isTooLong(thrown: unknown): boolean;
  /** As an error of ours that names the database; one of ours stays as it is. */
  toStoreError(thrown: unknown, database: string): MillraceError;
}

/** One transaction that takes several round trips. */
export interface Transaction {
  run(statement: Statement): Promise<StatementResult>;
}

/** How a transaction that writes in several round trips goes, where that is not as all others go. */
export interface WritingOptions {
  /** What else it is repeated after. */
  readonly mayRepeat?: (thrown: unknown) => boolean;
  /** How long the database waits for the next statement: a process that is cut off in the middle keeps nobody waiting for its locks. */
  readonly idleMs?: number;
}

/** The connections of a store. What they throw is what the driver throws. */
export interface Connections {
  readonly options: ConnectionLimits;
  readonly errors: SqlErrors;

  /**
   * The statements as one transaction in one flight; repeated where it had no effect and may succeed then.
   *
   * @param answerMs after how long without an answer it is given up; by default the time that a statement may take, and some more
   */
  write(make: () => Flight, answerMs?: number): Promise<void>;

  /** The same by the connection that is kept for beats. */
  beat(make: () => Flight, answerMs: number): Promise<void>;

  /** Statements that read, on one snapshot, in one flight. */
  read(...statements: readonly Statement[]): Promise<readonly StatementResult[]>;

  /** A transaction that reads, on one snapshot, in as many round trips as it takes; once the signal is aborted the database is told to stop. */
  reading<T>(work: (transaction: Transaction) => Promise<T>, signal?: AbortSignal): Promise<T>;

  /** A transaction that writes in as many round trips as it takes; repeated where it had no effect and may succeed then. */
  writing<T>(work: (transaction: Transaction) => Promise<T>, options?: WritingOptions): Promise<T>;

  /** Ends what the database still has of a connection that was lost, so that nothing of it begins later. */
  endLost(thrown: unknown): Promise<void>;

  /** The database does not answer: gives up the connections that have been at work for so long, behind which there may be nobody. */
  giveUp(longerThanMs: number): void;

  /**
   * Ends all connections for good once the signal is aborted, also those that are being made: nobody waits for an answer any more. The
   * returned function ends the dependence on the signal.
   */
  endWith(signal: AbortSignal | undefined): () => void;

  close(): Promise<void>;
}

/** The statements of a flight one behind the other; what is made of the answers holds if the transaction commits. */
export async function runFlight({ run }: Transaction, flight: Flight): Promise<void> {
  const results: StatementResult[] = [];
  for (const statement of flight.statements) results.push(await run(statement));
  for (const statement of flight.later(results)) await run(statement);
  flight.committed(results);
}
