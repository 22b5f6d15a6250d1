import type { Cleanup } from '../servers/cleanup.ts';
import type { Statements } from './statement-counts.ts';
import type { TableSize } from './table-sizes.ts';

/** The measured kinds of servers. */
export type GrowthKind = 'postgres' | 'mysql';

/** The isolation level of a session that sits idle in a transaction; `none`: there is no such session. */
export const sessionLevels = ['none', 'read-committed', 'repeatable-read'] as const;
/**
 * `read-committed`: it has no snapshot between two statements, and so retains no row. `repeatable-read`: it retains every row that existed
 * when it began, or came later, like a report or a dump.
 */
export type SessionLevel = (typeof sessionLevels)[number];

/** A database observed from outside, on its own server. */
export interface GrowthDatabase {
  readonly kind: GrowthKind;
  readonly url: string;
  /** Runs SQL that all kinds understand. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Begins a transaction in its own session, which sits idle in it. Resolves to a function that ends the session. */
  sitIdle(level: SessionLevel): Promise<() => Promise<void>>;
  /** Returns the statements sent to the database so far, without the program's own. */
  statements(): Promise<Statements>;
  /** Of all its tables. */
  sizes(): Promise<readonly TableSize[]>;
  /** Lets the server clean up everything that nobody can see any more. */
  tidy(): Promise<void>;
  /** Returns how many events the states of all keys have counted. */
  countOfStates(): Promise<number>;
}

/** Starts a server with an empty database, in a folder on the disk to be measured. */
export type StartDatabase = (folder: string, cleanup: Cleanup) => Promise<GrowthDatabase>;
