import type { ConnectionLimits } from '../../sql/connection/connections.ts';
import type { Address } from './address.ts';

/** The connection options of a store. All times are in milliseconds. */
export interface ConnectionOptions extends Address, ConnectionLimits {
  /** The schema of all tables; undefined: the first of the database's search path. */
  readonly schema: string | undefined;
  readonly isPooled: boolean;
  readonly maxIdleConnections: number;
  readonly connectionLifetimeMs: number;
  readonly connectTimeoutMs: number;
  readonly lockTimeoutMs: number;
}
