import type { Logger } from 'pino';
import type { Mill } from '../engine/mill.ts';
import type { ProcessCounts } from '../telemetry/process-counts.ts';
import type { AccessOptions } from './access/guard.ts';
import type { System } from './declared-system.ts';
import type { HttpLimits } from './http-limits.ts';

export interface ServerOptions {
  /** A mill that was started. The server stops it when it is stopped. */
  readonly mill: Mill;
  /** Those with settings as `configure` returns them. */
  readonly systems: readonly System[];
  readonly log: Logger;
  /** What the process counts of itself, for the metrics. */
  readonly counts?: ProcessCounts;
  /** Bounds that differ from {@link httpLimits}. */
  readonly limits?: Partial<HttpLimits>;
  /** By default nobody is asked for a token, and the server listens on loopback addresses only. */
  readonly access?: AccessOptions;
}
