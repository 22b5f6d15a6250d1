import { type ErrorCode, errorTable } from '../../errors.ts';
import { codeOf, faultFields, faultOf } from '../../fault.ts';
import type { Schedule } from '../../pipeline/schedule.ts';
import { type FaultyRow, type SourceRow, SourceRows } from '../../pipeline/source-rows.ts';
import type { QueryTables } from '../../pipeline/table-query.ts';
import { isThenable } from '../../pipeline/thenable.ts';
import type { Clock } from '../clock.ts';
import { Deadline } from '../deadline.ts';
import type { Logger } from '../logger.ts';
import { BatchPlaces } from './batch-places.ts';
import type { RunWork, TakenIn } from './run-work.ts';

/** The dependencies of a run, provided by the engine for the schedule's pipeline. */
export interface ScheduleRunMeans {
  readonly clock: Clock;
  readonly log: Logger;
  readonly query: QueryTables;
  /** The work that the run gives to the pipeline's keys. */
  readonly work: RunWork;
}

/** The inputs of a run. */
interface RunStart {
  readonly dueAt: number;
  /** Resolves once the run may ask its source, or at the deadline. */
  ready(deadline: Deadline): Promise<void>;
}

/** The end of a run. */
export interface RunEnd {
  /** The reason it could not take its batch, or one of its events; undefined if it could. */
  readonly failure: string | undefined;
}

/** Longest wait for aborted work. In milliseconds. */
const graceMs = 5_000;

/** Refusals whose stack says more than their message: a function of the pipeline threw, or the door itself failed. */
const refusalsWithStack: ReadonlySet<ErrorCode> = new Set(['MILL_PIPELINE_FAILED', 'MILL_INTERNAL']);

/** Refusals that concern a single row: it is wrong, or a function of the pipeline threw over it. */
const faultsOfRows: ReadonlySet<ErrorCode> = new Set([
  'MILL_INVALID_EVENT',
  'MILL_BODY_TOO_LARGE',
  'MILL_EVENT_TOO_LATE',
  'MILL_EVENT_TOO_EARLY',
  ...refusalsWithStack,
]);

/**
 * One run of a schedule: takes a batch from the source and processes it, as many events at once as there are slots. When its time is over,
 * work under way is aborted, and the rest is left to the source.
 */
export class ScheduleRun {
  readonly #means: ScheduleRunMeans;
  readonly #schedule: Schedule;
  readonly #places: BatchPlaces;
  readonly #time = new Deadline();
  /** Its end: aborted work has had enough time to end. */
  readonly #grace = new Deadline();
  #disarmGrace: (() => void) | undefined;
  /** True if the door is closed or full. */
  #isTurnedAway = false;
  #failure: string | undefined;
  /** Dead letters on their way to the disk. */
  readonly #burials = new Set<Promise<void>>();

  constructor(means: ScheduleRunMeans, schedule: Schedule) {
    this.#means = means;
    this.#schedule = schedule;
    this.#places = new BatchPlaces(schedule.batch);
  }

  /** Resolves when the run has ended, whatever its result. */
  async execute({ dueAt, ready }: RunStart, signal: AbortSignal): Promise<RunEnd> {
    const { clock, log } = this.#means;
    const { timeoutMs, batch: limit, source } = this.#schedule;
    const end = () => this.#time.end();
    signal.addEventListener('abort', end);
    const disarm = clock.after(timeoutMs, () => {
      log.warn({ timeoutMs }, 'a run took too long: aborting its work');
      this.#failure ??= `the run took longer than its timeout of ${timeoutMs} ms, and its work was aborted`;
      end();
      this.#means.work.abortAll();
      this.#disarmGrace = clock.after(graceMs, () => this.#grace.end());
    });
    try {
      await ready(this.#time);
      if (this.#isOver) return { failure: this.#failure };
      const answer = source({ dueAt, now: clock.now(), limit, query: this.#means.query });
      const events = await (isThenable(answer) ? this.#time.race(answer) : answer);
      if (events !== undefined) await this.#letThrough(events);
    } catch (error) {
      this.#fail(error);
    } finally {
      await Promise.all(this.#burials);
      disarm();
      this.#disarmGrace?.();
      signal.removeEventListener('abort', end);
    }
    return { failure: this.#failure };
  }

  /** True if nothing more is begun. */
  get #isOver(): boolean {
    return this.#isTurnedAway || this.#time.isOver;
  }

  #fail(error: unknown): void {
    const fault = faultOf(error);
    this.#failure = fault.reason;
    this.#means.log.error(faultFields(fault), 'a run failed to take its batch');
  }

  async #letThrough(events: Iterable<unknown> | AsyncIterable<unknown>): Promise<void> {
    const { batch, concurrency } = this.#schedule;
    const candidates = events instanceof SourceRows ? events.take(this.#means.work.pending) : candidatesOf(events);
    const work = async () => {
      while (!this.#isOver && this.#places.take()) {
        const next = await this.#time.race(candidates.next());
        if (next === undefined || next.done === true) return;
        await this.#take(next.value);
      }
    };
    try {
      // If one fails, the others under way are awaited too: runs must not overlap.
      const ended = await Promise.allSettled(Array.from({ length: Math.min(concurrency, batch) }, work));
      for (const end of ended) if (end.status === 'rejected') throw end.reason;
    } finally {
      // A busy generator ends when it has finished its current step; nobody waits for it.
      candidates.return(undefined).catch(() => undefined);
    }
  }

  async #take(candidate: Candidate): Promise<void> {
    if ('fault' in candidate) {
      this.#bury(candidate);
      return;
    }
    const { work } = this.#means;
    const { event, origin } = candidate;
    let taken: TakenIn;
    try {
      taken = await work.ingest(event, origin);
    } catch (error) {
      this.#refused(candidate, error);
      return;
    }
    const { key, isDuplicate } = taken;
    // Time may have run out while it was being taken in.
    if (this.#isOver) work.abort(key);
    await work.finished(key, this.#grace);
    if (origin !== undefined) await this.#concludeRow(origin, isDuplicate);
  }

  /** A row keeps its slot if it was handled. */
  async #concludeRow(origin: string, isDuplicate: boolean): Promise<void> {
    if (isDuplicate) {
      this.#means.log.debug({ origin }, 'a row was skipped: its event is a duplicate');
      this.#places.release();
    } else if (!this.#isOver && (await this.#means.work.pending([origin])).has(origin)) {
      this.#places.releaseWaiting();
    }
  }

  /** A row that yields no event costs the others nothing: the run continues, and waits for all dead letters at its end. */
  #bury(row: FaultyRow): void {
    const { work, log } = this.#means;
    const { origin, fault: reason, stack } = row;
    this.#places.release();
    const buried = work.bury(row).then(
      () => log.error({ origin, ...faultFields({ reason, stack }) }, 'a row is not a valid event: it becomes a dead letter'),
      (error: unknown) => this.#fail(error),
    );
    this.#burials.add(buried);
    void buried.then(() => this.#burials.delete(buried));
  }

  /** An event that is invalid, or whose key is full, costs the others nothing; a closed or full door ends the run. */
  #refused(candidate: Exclude<Candidate, FaultyRow>, error: unknown): void {
    const code = codeOf(error);
    const { reason, stack } = faultOf(error);
    const fault = { reason, stack: code !== undefined && refusalsWithStack.has(code) ? stack : null };
    const { origin, key } = candidate;
    if (origin !== undefined && code !== undefined && faultsOfRows.has(code)) {
      this.#bury({ origin, key, fault: reason, stack: fault.stack });
      return;
    }
    this.#means.log.warn({ code, origin, ...faultFields(fault) }, 'an event of a run was refused');
    this.#failure ??= `an event was refused: ${reason}`;
    if (code === 'MILL_KEY_FULL') {
      if (origin !== undefined) this.#places.release();
    } else if (code !== undefined && errorTable[code].retryable) this.#isTurnedAway = true;
  }
}

/** A row, or an event from a source without rows. */
type Candidate = SourceRow | { readonly event: unknown; readonly origin?: undefined; readonly key?: undefined };

async function* candidatesOf(events: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator<Candidate> {
  for await (const event of events) yield { event };
}
