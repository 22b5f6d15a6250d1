import type { MillraceError } from '../../../errors.ts';
import type { Flight, StatementResult } from './flight.ts';
import type { Statement } from './statement.ts';

/** The limits of a store's connections. All times are in milliseconds. */
export interface ConnectionLimits {
  /** The database, for messages: without user, password and parameters. */
  readonly name: string;
  readonly maxConnections: number;
  readonly statementTimeoutMs: number;
}

/** Classifies errors of a database or its driver. */
export interface SqlErrors {
  /** Returns whether the connection is broken, or its server cannot work: statements under way may or may not have taken effect. */
  isConnectionFault(thrown: unknown): boolean;
  /** Returns whether the database refused something specific, so that the rest of a group may succeed without it. */
  isRefusal(thrown: unknown): boolean;
  /** Returns whether a value or a constraint was at fault. */
  isValueFault(thrown: unknown): boolean;
  /** Returns whether it came from the fence: a commit under a lease that is over. */
  isFenced(thrown: unknown): boolean;
  /** Returns whether a value is too long for an index. */
  isTooLong(thrown: unknown): boolean;
  /** Converts it to one of our errors, naming the database; our own errors stay unchanged. */
  toStoreError(thrown: unknown, database: string): MillraceError;
}

/** One transaction that takes several round trips. */
export interface Transaction {
  run(statement: Statement): Promise<StatementResult>;
}

/** Deviations of a writing transaction of several round trips. */
export interface WritingOptions {
  /** Returns true for additional errors after which it is repeated. */
  readonly mayRepeat?: (thrown: unknown) => boolean;
  /** Time that the database waits for the next statement, so that a process cut off in the middle does not keep its locks. */
  readonly idleMs?: number;
}

/** The connections of a store. They throw the driver's errors. */
export interface Connections {
  readonly options: ConnectionLimits;
  readonly errors: SqlErrors;

  /**
   * Runs the statements as one transaction in one flight; repeated if it had no effect and may succeed.
   *
   * @param answerMs how long to wait for an answer before giving up; by default the statement limit plus a margin
   */
  write(make: () => Flight, answerMs?: number): Promise<void>;

  /** Does the same on the connection reserved for beats. */
  beat(make: () => Flight, answerMs: number): Promise<void>;

  /** Runs reading statements on one snapshot, in one flight. */
  read(...statements: readonly Statement[]): Promise<readonly StatementResult[]>;

  /**
   * Runs a reading transaction on one snapshot, in as many round trips as needed; once the signal is aborted, the database is asked to
   * stop.
   */
  reading<T>(work: (transaction: Transaction) => Promise<T>, signal?: AbortSignal): Promise<T>;

  /** Runs a writing transaction in as many round trips as needed; repeated if it had no effect and may succeed. */
  writing<T>(work: (transaction: Transaction) => Promise<T>, options?: WritingOptions): Promise<T>;

  /** Ends whatever the database still has of a lost connection, so that none of it begins later. */
  endLost(thrown: unknown): Promise<void>;

  /**
   * Gives up connections that have been busy for longer than `longerThanMs`: the database does not answer, and nobody may be behind them.
   */
  giveUp(longerThanMs: number): void;

  /**
   * Ends all connections for good once the signal is aborted, including those being made: nobody waits for an answer any more. The returned
   * function removes the dependence on the signal.
   */
  endWith(signal: AbortSignal | undefined): () => void;

  close(): Promise<void>;
}

/** Runs the statements of a flight one after another; conclusions from the answers hold if the transaction commits. */
export async function runFlight({ run }: Transaction, flight: Flight): Promise<void> {
  const results: StatementResult[] = [];
  for (const statement of flight.statements) results.push(await run(statement));
  for (const statement of flight.later(results)) await run(statement);
  flight.committed(results);
}
