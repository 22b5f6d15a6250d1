import { checkOptions, type OptionTable } from '../../pipeline/check-options.ts';
import { expect, integerFrom } from '../../pipeline/expectations.ts';
import { Place } from '../../pipeline/place.ts';
import type { SqlSettings } from '../sql/dialect.ts';
import { addressOf } from './connection/address.ts';
import type { ConnectionOptions } from './connection/connection-options.ts';

/** All times are in milliseconds. */
export interface MysqlOptions {
  /** Slices per pipeline, fixed for the life of a database. Default 32. */
  readonly partitions?: number;
  /** Lifetime of a lease without renewal, and so the time until a dead process's keys are taken over. Default 3,000. */
  readonly leaseMs?: number;
  /** Maximum open connections, not counting the one for lease beats. Default 10, at least 5. */
  readonly maxConnections?: number;
  /** Maximum idle connections; the others close after a minute. Default 5. */
  readonly maxIdleConnections?: number;
  /** Maximum age of a connection before it is replaced. Default 1,800,000. */
  readonly connectionLifetimeMs?: number;
  /** Maximum wait for a connection. Default 3,000. */
  readonly connectTimeoutMs?: number;
  /** Maximum duration of a statement. Default 10,000. */
  readonly statementTimeoutMs?: number;
  /** Time that a statement waits for another transaction's lock; the server counts in seconds. Default 2,000. */
  readonly lockTimeoutMs?: number;
  /**
   * A file with the certificates of trusted authorities. With it the connection is encrypted, and the server checked as for
   * `ssl-mode=VERIFY_IDENTITY`, unless the URL says `VERIFY_CA`.
   */
  readonly caFile?: string;
}

const connectionsMin = 5;
/** Node.js timers use 32 bits. */
const msMax = 2 ** 31 - 1;

const milliseconds = expect(
  `milliseconds from 1 to ${msMax}`,
  (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= msMax,
);

const mysqlOptions: OptionTable<MysqlOptions> = {
  partitions: integerFrom(1),
  leaseMs: milliseconds,
  maxConnections: integerFrom(connectionsMin),
  maxIdleConnections: integerFrom(0),
  connectionLifetimeMs: milliseconds,
  connectTimeoutMs: milliseconds,
  statementTimeoutMs: milliseconds,
  lockTimeoutMs: milliseconds,
  caFile: expect('the path of a file', (value) => typeof value === 'string' && value !== ''),
};

/** The settings derived from the arguments of `mysql(…)`. */
export interface Settings extends ConnectionOptions, SqlSettings {}

/**
 * Throws `MILL_INVALID_CONFIGURATION` for a URL that is not MySQL's or has parameters without effect, and for a wrong or unknown option.
 */
export function settingsOf(url: unknown, options: MysqlOptions): Settings {
  const place: Place = new Place('mysql', 'MILL_INVALID_CONFIGURATION');
  checkOptions(options, mysqlOptions, place);
  return {
    ...addressOf(url, options.caFile, place),
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
