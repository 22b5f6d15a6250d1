import type { FoundValue } from '../../pipeline/table.ts';
import type { Opened, PartitionId, SqlDialect, StoreDeclaration, StoreListener, StoreLogger } from '../store.ts';
import type { ConnectionLimits, Connections, SqlErrors, Transaction } from './connection/connections.ts';
import type { SchemaVersions } from './schema/check-tables.ts';
import type { SqlStatements } from './statements.ts';
import type { Declared } from './write/batch.ts';

/** The settings of a store in a database server. All times are in milliseconds. */
export interface SqlSettings extends ConnectionLimits {
  readonly partitions: number;
  readonly leaseMs: number;
}

/** A user's query. */
export interface Asked {
  readonly sql: string;
  readonly parameters: readonly FoundValue[];
  readonly charactersMax: number | undefined;
}

/** Announces changes between processes. */
export interface Announcing {
  /** Notes that this process has extended a partition's log. Notifies its owner, unless that is this process. */
  grown(partition: PartitionId, owner: string | null): void;
  listen(listener: StoreListener): () => void;
  close(): Promise<void>;
}

/** The result of an opening, with the declared tables as the database keeps them. */
export interface OpenedTables {
  readonly opened: Opened;
  readonly tables: readonly Declared[];
}

/** A kind of database server: its connections, and its differences from the others. */
export interface Dialect<Settings extends SqlSettings, Open extends Connections = Connections> {
  /** For messages. */
  readonly kind: string;
  /** The dialect of `query`. */
  readonly queries: SqlDialect;
  /** Maximum bytes of a key, and of a chosen id. */
  readonly keyBytesMax: number;
  readonly statements: SqlStatements;
  readonly errors: SqlErrors;

  /** Throws `MILL_INVALID_CONFIGURATION` if the driver is missing. Connects to nothing yet. */
  connect(settings: Settings): Promise<Open>;

  /** Throws `MILL_INVALID_CONFIGURATION` for a server that the store cannot use. */
  checkServer(connections: Open, log?: StoreLogger): Promise<void>;

  /** The known versions of the engine's tables. */
  readonly versions: SchemaVersions;

  /** Returns the metadata of a database's tables (`millrace_meta`); empty if there are none. */
  metaOf(transaction: Transaction): Promise<ReadonlyMap<unknown, unknown>>;

  /** Creates the missing tables, the engine's and the declared ones. */
  declare(connections: Open, settings: Settings, declaration: StoreDeclaration): Promise<OpenedTables>;

  /**
   * Runs one user statement in a read-only transaction; once the signal is aborted the database is told to stop. Throws
   * `MILL_INVALID_REQUEST` for one that fails or would write.
   */
  select(connections: Open, asked: Asked, signal?: AbortSignal): Promise<Record<string, FoundValue>[]>;

  /** Undefined if processes cannot notify each other: then each polls by itself. */
  announce(connections: Open, process: string, inboxGrown: () => void): Announcing | undefined;
}
