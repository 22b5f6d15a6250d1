import type { Logger } from 'pino';
import type { Mill } from '../engine/mill.ts';
import type { ProcessCounts } from '../telemetry/process-counts.ts';
import type { AccessOptions } from './access/guard.ts';
import type { System } from './declared-system.ts';
import type { HttpLimits } from './http-limits.ts';

export interface ServerOptions {
  /** A started mill. Stopping the server stops it. */
  readonly mill: Mill;
  /** Those with settings in the form that `configure` returns. */
  readonly systems: readonly System[];
  readonly log: Logger;
  /** The process's counts about itself, for the metrics. */
  readonly counts?: ProcessCounts;
  /** Limits that differ from {@link httpLimits}. */
  readonly limits?: Partial<HttpLimits>;
  /** By default no token is required, and the server listens on loopback addresses only. */
  readonly access?: AccessOptions;
}
