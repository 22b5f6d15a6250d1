import type { Limits } from '../engine/limits.ts';
import type { Logger } from '../engine/logger.ts';
import type { Tracing } from '../engine/tracing.ts';
import type { Answer, OutgoingCall } from '../pipeline/endpoint.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { Store } from '../store/store.ts';

export interface TestMillOptions<List extends readonly AnyPipeline[] = readonly AnyPipeline[]> {
  readonly pipelines: List;
  /** Default: a fresh one in memory. */
  readonly store?: Store;
  readonly limits?: Partial<Limits>;
  readonly log?: Logger;
  readonly tracing?: Tracing | undefined;
  /** The clock's initial time, in milliseconds since 1970. Default 2026-01-01. */
  readonly startAt?: number;
  /** Makes retries and ids reproducible. Default 1. */
  readonly seed?: number;
  /** Answers the pipelines' calls; nothing leaves the program. By default everything is delivered. */
  readonly answer?: (call: OutgoingCall, signal: AbortSignal) => Answer | Promise<Answer>;
  /** Ingests every event twice, the second time under the same id or number. */
  readonly duplicateEverything?: boolean;
  /** Fails every commit once, before it takes effect: every turn runs at least twice and must take effect once. */
  readonly crashBeforeCommit?: boolean;
}
