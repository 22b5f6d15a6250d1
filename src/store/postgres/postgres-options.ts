import { checkOptions, type OptionTable } from '../../pipeline/check-options.ts';
import { expect, integerFrom } from '../../pipeline/expectations.ts';
import { Place } from '../../pipeline/place.ts';
import type { SqlSettings } from '../sql/dialect.ts';
import { addressOf } from './connection/address.ts';
import type { ConnectionOptions } from './connection/connection-options.ts';

/** All times are in milliseconds. */
export interface PostgresOptions {
  /** Slices per pipeline, fixed for the life of a database. Default 32. */
  readonly partitions?: number;
  /** Lifetime of a lease without renewal, and so the time until a dead process's keys are taken over. Default 3,000. */
  readonly leaseMs?: number;
  /** The schema of all tables, which must exist. Default: the first of the database's search path. */
  readonly schema?: string;
  /** Set it if connections go through a pooler in transaction mode, such as PgBouncer: no prepared statements, and no announcements. */
  readonly pooled?: boolean;
  /** Maximum open connections, not counting one that listens. Default 10, at least 5. */
  readonly maxConnections?: number;
  /** Maximum idle connections; the others close after a second. Default 5. */
  readonly maxIdleConnections?: number;
  /** Maximum age of a connection before it is replaced. Default 1,800,000. */
  readonly connectionLifetimeMs?: number;
  /** Maximum wait for a connection. Default 3,000. */
  readonly connectTimeoutMs?: number;
  /** Maximum duration of a statement. Default 10,000. */
  readonly statementTimeoutMs?: number;
  /** Time that a statement waits for another transaction's lock. Default 2,000. */
  readonly lockTimeoutMs?: number;
  /**
   * A file with the certificates of trusted authorities. With it the connection is encrypted, and the server checked as for
   * `sslmode=verify-full`, unless the URL says `verify-ca`.
   */
  readonly caFile?: string;
}

const connectionsMin = 5;
/** Database and Node.js timers use 32 bits. */
const msMax = 2 ** 31 - 1;

const milliseconds = expect(
  `milliseconds from 1 to ${msMax}`,
  (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= msMax,
);
const name = expect('the name of a schema', (value) => typeof value === 'string' && value !== '' && !value.includes('\0'));

const postgresOptions: OptionTable<PostgresOptions> = {
  partitions: integerFrom(1),
  leaseMs: milliseconds,
  schema: name,
  pooled: expect('true or false', (value) => typeof value === 'boolean'),
  maxConnections: integerFrom(connectionsMin),
  maxIdleConnections: integerFrom(0),
  connectionLifetimeMs: milliseconds,
  connectTimeoutMs: milliseconds,
  statementTimeoutMs: milliseconds,
  lockTimeoutMs: milliseconds,
  caFile: expect('the path of a file', (value) => typeof value === 'string' && value !== ''),
};

/** The settings derived from the arguments of `postgres(…)`. */
export interface Settings extends ConnectionOptions, SqlSettings {}

/**
 * Throws `MILL_INVALID_CONFIGURATION` for a URL that is not PostgreSQL's or has parameters without effect, and for a wrong or unknown
 * option.
 */
export function settingsOf(url: unknown, options: PostgresOptions): Settings {
  const place: Place = new Place('postgres', 'MILL_INVALID_CONFIGURATION');
  checkOptions(options, postgresOptions, place);
  return {
    ...addressOf(url, { caFile: options.caFile, pgSslMode: process.env.PGSSLMODE }, place),
    schema: options.schema,
    isPooled: options.pooled ?? false,
    maxConnections: options.maxConnections ?? 10,
    maxIdleConnections: options.maxIdleConnections ?? 5,
    connectionLifetimeMs: options.connectionLifetimeMs ?? 30 * 60_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 3_000,
    statementTimeoutMs: options.statementTimeoutMs ?? 10_000,
    lockTimeoutMs: options.lockTimeoutMs ?? 2_000,
    partitions: options.partitions ?? 32,
    leaseMs: options.leaseMs ?? 3_000,
  };
}
