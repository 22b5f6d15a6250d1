import { invalid } from './check.ts';
import { parseCron } from './cron.ts';
import { type Duration, toMs } from './duration.ts';
import type { QueryTables } from './table-query.ts';

/** What a source is told. */
export interface SourceRun {
  /** When the run was due, in milliseconds since 1970. */
  readonly dueAt: number;
  /** When it began: later than `dueAt` after a stop. */
  readonly now: number;
  /** How many events it may take at most. */
  readonly limit: number;
  readonly query: QueryTables;
}

/**
 * What pulls events in: answers the next ones, those first that shall go first. Of an asynchronous generator each is asked for
 * when there is a place for it, so that it can be as fresh as that.
 */
export type Source<Input> = (run: SourceRun) => Promise<readonly Input[]> | readonly Input[] | AsyncIterable<Input>;

/** When runs are due: `every` so long, or by a `cron` pattern, in the time zone of the machine or another (`Europe/Berlin`). */
export type Cadence =
  | { readonly every: Duration; readonly cron?: never; readonly timezone?: never }
  | { readonly cron: string; readonly timezone?: string; readonly every?: never };

/**
 * Takes events in by the clock. A run takes a batch from the source and ends when each of its events is handled and what it
 * delivered has an outcome. Runs never overlap: one that comes due during another is left out.
 */
export type ScheduleOptions<Input> = Cadence & {
  readonly source: Source<Input>;
  /** Events that a run takes at most; a row that is rejected, or whose event has to wait, does not count. Default 100. */
  readonly batch?: number;
  /** Of these, how many are under way at once. Default: the pipeline's `concurrency`. */
  readonly concurrency?: number;
  /**
   * How long a run may take. Then what is under way is aborted, and has failed; what was not begun is left to the source.
   * Default 5 min.
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
  /** The moment of the first run after another moment. */
  nextAfter(moment: number): number;
}

/** Fills every default in. Throws `MILL_INVALID_DECLARATION` for a cadence that cannot be meant. */
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
    if (timezone !== undefined) invalid(`${what}.timezone: expected none beside every, which counts elapsed time`);
    const everyMs = toMs(every, `${what}.every`);
    return { everyMs, nextAfter: (moment) => moment + everyMs };
  }
  return { everyMs: undefined, nextAfter: parseCron(cron ?? '', timezone, what) };
}
