import type { Clock } from './clock.ts';
import type { Counters } from './counts.ts';
import type { Logger } from './logger.ts';

/** Events in a row whose schema took too long, from which on a pipeline counts as one that makes no progress. */
const troubleFrom = 10;
/** For how long the last of them speaks against the pipeline, and how far apart the lines of the log are. In milliseconds. */
const windowMs = 10_000;

interface Row {
  count: number;
  /** When the last one came, in elapsed time. */
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
 * The schemas that do not answer in time, by pipeline, until they answer again. A single event may have an answer that takes long; where
 * no event of many has one, what the schema waits for is gone.
 */
export class SchemaTimeouts {
  readonly #means: SchemaTimeoutsMeans;
  readonly #rows = new Map<string, Row>();

  constructor(means: SchemaTimeoutsMeans) {
    this.#means = means;
  }

  /** Counts an event that was refused since the schema has not answered, and logs it: one line at once, then one each ten seconds. */
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

  /** The schema has answered, whatever it said. */
  answered(pipeline: string): void {
    this.#rows.delete(pipeline);
  }

  /** Why a pipeline takes nothing in; undefined while all schemas answer. */
  get trouble(): string | undefined {
    const since = this.#means.clock.elapsedMs() - windowMs;
    for (const [pipeline, { count, at }] of this.#rows) {
      if (count >= troubleFrom && at > since) return `pipeline ${pipeline}: the schema of its events does not answer`;
    }
    return undefined;
  }
}
