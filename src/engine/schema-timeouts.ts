import type { Clock } from './clock.ts';
import type { Counters } from './counts.ts';
import type { Logger } from './logger.ts';

/** Consecutive schema time-outs from which a pipeline counts as making no progress. */
const troubleFrom = 10;
/** Time for which the last time-out counts against the pipeline, and the interval of the log lines. In milliseconds. */
const windowMs = 10_000;

interface Row {
  count: number;
  /** The time at which the last one came, in elapsed time. */
  at: number;
  loggedAt: number;
  unlogged: number;
}

export interface SchemaTimeoutsMeans {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: { readonly validationMs: number };
  counters(pipeline: string): Pick<Counters, 'count'>;
}

/**
 * Schemas that do not answer in time, by pipeline, until they answer again. A single event may take long; if none of many events gets an
 * answer, the schema's dependency is gone.
 */
export class SchemaTimeouts {
  readonly #means: SchemaTimeoutsMeans;
  readonly #rows = new Map<string, Row>();

  constructor(means: SchemaTimeoutsMeans) {
    this.#means = means;
  }

  /** Counts and logs an event refused because the schema has not answered: one line at once, then one every ten seconds. */
  timedOut(pipeline: string): void {
    const { clock, log, limits, counters } = this.#means;
    const now = clock.elapsedMs();
    const row = this.#rows.get(pipeline) ?? { count: 0, at: now, loggedAt: Number.NEGATIVE_INFINITY, unlogged: 0 };
    this.#rows.set(pipeline, row);
    row.count += 1;
    row.unlogged += 1;
    row.at = now;
    counters(pipeline).count('validationTimeouts');
    if (now - row.loggedAt < windowMs) return;
    log.error({ pipeline, events: row.unlogged, validationMs: limits.validationMs }, 'the schema of the event does not answer in time');
    row.loggedAt = now;
    row.unlogged = 0;
  }

  /** Notes that the schema has answered, whatever it said. */
  answered(pipeline: string): void {
    this.#rows.delete(pipeline);
  }

  /** The reason a pipeline accepts nothing; undefined while all schemas answer. */
  get trouble(): string | undefined {
    const since = this.#means.clock.elapsedMs() - windowMs;
    for (const [pipeline, { count, at }] of this.#rows) {
      if (count >= troubleFrom && at > since) return `pipeline ${pipeline}: the schema of its events does not answer`;
    }
    return undefined;
  }
}
