import type { FoundValue } from '../../pipeline/table.ts';
import type { Opened, PartitionId, SqlDialect, StoreDeclaration, StoreListener, StoreLogger } from '../store.ts';
import type { ConnectionLimits, Connections, SqlErrors, Transaction } from './connection/connections.ts';
import type { SchemaVersions } from './schema/check-tables.ts';
import type { SqlStatements } from './statements.ts';
import type { Declared } from './write/batch.ts';

/** What a store in a database server is told. All times are in milliseconds. */
export interface SqlSettings extends ConnectionLimits {
  readonly partitions: number;
  readonly leaseMs: number;
}

/** A query of somebody's. */
export interface Asked {
  readonly sql: string;
  readonly parameters: readonly FoundValue[];
  readonly charactersMax: number | undefined;
}

/** How processes tell each other what they have done. */
export interface Announcing {
  /** A partition's log has grown by our hand. Its owner is told, unless it is this process. */
  grown(partition: PartitionId, owner: string | null): void;
  listen(listener: StoreListener): () => void;
  close(): Promise<void>;
}

/** What an opening answers, and the declared tables as the database keeps them. */
export interface OpenedTables {
  readonly opened: Opened;
  readonly tables: readonly Declared[];
}

/** A database server: how it is reached, and what it says in its own way. */
export interface Dialect<Settings extends SqlSettings, Open extends Connections = Connections> {
  /** For messages. */
  readonly kind: string;
  /** How `query` speaks. */
  readonly queries: SqlDialect;
  /** The most bytes of a key, and of an id that somebody chose. */
  readonly keyBytesMax: number;
  readonly statements: SqlStatements;
  readonly errors: SqlErrors;

  /** Throws `MILL_INVALID_CONFIGURATION` where the driver is missing. Connects to nothing yet. */
  connect(settings: Settings): Promise<Open>;

  /** Throws `MILL_INVALID_CONFIGURATION` for a server that the store cannot work on. */
  checkServer(connections: Open, log?: StoreLogger): Promise<void>;

  /** The versions of the engine's tables that it knows. */
  readonly versions: SchemaVersions;

  /** What a database says of its tables (`millrace_meta`); nothing where there are none. */
  metaOf(transaction: Transaction): Promise<ReadonlyMap<unknown, unknown>>;

  /** Makes what is missing of the tables, the engine's and the declared ones. */
  declare(connections: Open, settings: Settings, declaration: StoreDeclaration): Promise<OpenedTables>;

  /** Runs one statement of somebody's, in a transaction that only reads; once the signal is aborted the database is told to stop. Throws `MILL_INVALID_REQUEST` for one that fails or would write. */
  select(connections: Open, asked: Asked, signal?: AbortSignal): Promise<Record<string, FoundValue>[]>;

  /** Undefined where nobody can be told anything: then all look by themselves. */
  announce(connections: Open, process: string, inboxGrown: () => void): Announcing | undefined;
}
