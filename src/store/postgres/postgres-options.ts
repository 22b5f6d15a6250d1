import { checkOptions, type OptionTable } from '../../pipeline/check-options.ts';
import { expect, integerFrom } from '../../pipeline/expectations.ts';
import { Place } from '../../pipeline/place.ts';
import type { SqlSettings } from '../sql/dialect.ts';
import { addressOf } from './connection/address.ts';
import type { ConnectionOptions } from './connection/connection-options.ts';

/** All times are in milliseconds. */
export interface PostgresOptions {
  /** Slices per pipeline, the same for the life of a database. Default 32. */
  readonly partitions?: number;
  /** How long a lease lasts that is not renewed: so long nobody works on the keys of a process that has died. Default 3,000. */
  readonly leaseMs?: number;
  /** The schema that has all tables; it must be there. Default: the first of the database's search path. */
  readonly schema?: string;
  /** Whether connections go through a pooler in transaction mode, such as PgBouncer: no prepared statements, and no announcements. */
  readonly pooled?: boolean;
  /** Connections that are open at once, one that listens left out. Default 10, at least 5. */
  readonly maxConnections?: number;
  /** Of these, how many are kept that nobody uses; the others close after a second. Default 5. */
  readonly maxIdleConnections?: number;
  /** How long a connection is used before another takes its place. Default 1,800,000. */
  readonly connectionLifetimeMs?: number;
  /** How long a call waits for a connection. Default 3,000. */
  readonly connectTimeoutMs?: number;
  /** How long a statement may take. Default 10,000. */
  readonly statementTimeoutMs?: number;
  /** How long a statement waits for a lock that another transaction has. Default 2,000. */
  readonly lockTimeoutMs?: number;
  /**
   * A file with the certificates of authorities that the server's must be of. The connection is encrypted then, and the server checked as for
   * `sslmode=verify-full`, unless the URL says `verify-ca`.
   */
  readonly caFile?: string;
}

const connectionsMin = 5;
/** Timers of the database and of Node.js count in 32 bits. */
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

/** What is made of the arguments of `postgres(…)`. */
export interface Settings extends ConnectionOptions, SqlSettings {}

/** Throws `MILL_INVALID_CONFIGURATION` for a URL that is none of PostgreSQL's or says what nobody heeds, and for an option that is wrong or unknown. */
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
