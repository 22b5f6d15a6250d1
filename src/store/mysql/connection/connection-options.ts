import type { ConnectionLimits } from '../../sql/connection/connections.ts';
import type { Address } from './address.ts';

/** The connection options of a store. All times are in milliseconds. */
export interface ConnectionOptions extends Address, ConnectionLimits {
  readonly maxIdleConnections: number;
  readonly connectionLifetimeMs: number;
  readonly connectTimeoutMs: number;
  readonly lockTimeoutMs: number;
}
