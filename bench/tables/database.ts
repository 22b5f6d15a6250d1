import type { Cleanup } from '../servers/cleanup.ts';
import type { Statements } from './statement-counts.ts';
import type { TableSize } from './table-sizes.ts';

/** Kinds of servers whose tables are looked at. */
export type GrowthKind = 'postgres' | 'mysql';

/** The isolation level of a session that sits idle in a transaction; `none`: there is no such session. */
export const sessionLevels = ['none', 'read-committed', 'repeatable-read'] as const;
/**
 * `read-committed`: between two of its statements it has no snapshot, and so keeps no row. `repeatable-read`: it keeps every row that was there
 * when it began, or came later, as a report or a dump does.
 */
export type SessionLevel = (typeof sessionLevels)[number];

/** A database that is looked at from outside, on a server of its own. */
export interface GrowthDatabase {
  readonly kind: GrowthKind;
  readonly url: string;
  /** Runs SQL that all kinds understand. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Begins a transaction in a session of its own, which sits idle in it. Resolves to what ends the session. */
  sitIdle(level: SessionLevel): Promise<() => Promise<void>>;
  /** Returns the statements sent to the database so far, without the program's own. */
  statements(): Promise<Statements>;
  /** Of all its tables. */
  sizes(): Promise<readonly TableSize[]>;
  /** Lets the server tidy up all that nobody sees any more. */
  tidy(): Promise<void>;
  /** Returns how many events the states of all keys have counted. */
  countOfStates(): Promise<number>;
}

/** Starts a server with an empty database, in a folder on the disk that is to be measured. */
export type StartDatabase = (folder: string, cleanup: Cleanup) => Promise<GrowthDatabase>;
