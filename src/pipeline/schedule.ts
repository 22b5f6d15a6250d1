import { invalid } from './check.ts';
import { parseCron } from './cron.ts';
import { type Duration, toMs } from './duration.ts';
import type { QueryTables } from './table-query.ts';

/** A run, as the source sees it. */
export interface SourceRun {
  /** The time at which the run was due, in milliseconds since 1970. */
  readonly dueAt: number;
  /** The time at which the run began: later than `dueAt` after a stop. */
  readonly now: number;
  /** Maximum number of events to take. */
  readonly limit: number;
  readonly query: QueryTables;
}

/**
 * Returns the next events, most urgent first. An async generator is pulled one event at a time, as slots free up, so that each event can be
 * as fresh as possible.
 */
export type Source<Input> = (run: SourceRun) => Promise<readonly Input[]> | readonly Input[] | AsyncIterable<Input>;

/**
 * The times at which runs are due: at an `every` interval, or by a `cron` pattern in the machine's or another time zone (`Europe/Berlin`).
 */
export type Cadence =
  | { readonly every: Duration; readonly cron?: never; readonly timezone?: never }
  | { readonly cron: string; readonly timezone?: string; readonly every?: never };

/**
 * Takes events in on a schedule. A run takes a batch from the source, and ends when each of its events is handled and every delivery has an
 * outcome. Runs never overlap: one that falls due during another is skipped.
 */
export type ScheduleOptions<Input> = Cadence & {
  readonly source: Source<Input>;
  /** Maximum events per run; rejected rows, and those whose event has to wait, do not count. Default 100. */
  readonly batch?: number;
  /** Maximum of these in progress at once. Default: the pipeline's `concurrency`. */
  readonly concurrency?: number;
  /**
   * Maximum duration of a run. After it, events under way are aborted and count as failed; the rest are left to the source. Default 5 min.
   */
  readonly timeout?: Duration;
};

/** A schedule with every default filled in. */
export interface Schedule {
  readonly source: Source<unknown>;
  readonly batch: number;
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** Undefined: by `nextAfter` alone. */
  readonly everyMs: number | undefined;
  /** Returns the moment of the first run after another moment. */
  nextAfter(moment: number): number;
}

/** Fills in every default. Throws `MILL_INVALID_DECLARATION` for a cadence that makes no sense. */
export function resolveSchedule(options: ScheduleOptions<unknown>, concurrency: number, what: string): Schedule {
  return {
    source: options.source,
    batch: options.batch ?? 100,
    concurrency: options.concurrency ?? concurrency,
    timeoutMs: toMs(options.timeout ?? '5m', `${what}.timeout`),
    ...resolveCadence(options, what),
  };
}

function resolveCadence({ every, cron, timezone }: Cadence, what: string): Pick<Schedule, 'everyMs' | 'nextAfter'> {
  if ((every === undefined) === (cron === undefined))
    invalid(`${what}: expected either every or cron, found ${every === undefined ? 'neither' : 'both'}`);
  if (every !== undefined) {
    if (timezone !== undefined) invalid(`${what}.timezone: not allowed with every, which counts elapsed time`);
    const everyMs = toMs(every, `${what}.every`);
    return { everyMs, nextAfter: (moment) => moment + everyMs };
  }
  return { everyMs: undefined, nextAfter: parseCron(cron ?? '', timezone, what) };
}
