import { errorTable, MillraceError, messageOf } from '../../errors.ts';
import type { Schedule } from '../../pipeline/schedule.ts';
import type { QueryTables } from '../../pipeline/table-query.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';

/** What a run works with; the engine provides it, for the pipeline of the schedule. */
export interface ScheduleRunMeans {
  readonly clock: Clock;
  readonly log: Log;
  readonly query: QueryTables;
  /** Takes an event in and answers its key, also when nobody knows whether it is in. Throws why it is rejected. */
  ingest(event: unknown): Promise<string>;
  /** Resolves once nothing is left to do for a key now: what waits for a retry goes on without the run. */
  finished(key: string): Promise<void>;
  /** Aborts what a key has under way, and lets go of what it has not begun. */
  abort(key: string): void;
}

/** How a run ended. */
export interface RunEnd {
  /** Why it could not take its batch. */
  readonly failure?: string;
}

/** What was aborted is waited for no longer than that. In milliseconds. */
const graceMs = 5_000;

/**
 * One run of a schedule: takes a batch from the source and lets it through, as many events at once as there are places. When
 * its time is over, what is under way is aborted, and what was not begun is left to the source.
 */
export class ScheduleRun {
  readonly #means: ScheduleRunMeans;
  readonly #schedule: Schedule;
  readonly #underWay = new Set<string>();
  readonly #over = Promise.withResolvers<void>();
  /** What was aborted has had time enough to end. */
  readonly #gone = Promise.withResolvers<void>();
  #disarmGrace: (() => void) | undefined;
  #isOver = false;

  constructor(means: ScheduleRunMeans, schedule: Schedule) {
    this.#means = means;
    this.#schedule = schedule;
  }

  /** Resolves when the run has ended, whatever came of it. */
  async execute({ dueAt, ready }: { readonly dueAt: number; readonly ready: Promise<void> }, signal: AbortSignal): Promise<RunEnd> {
    const { clock, log } = this.#means;
    const { timeoutMs, batch: limit, source } = this.#schedule;
    const end = () => {
      this.#isOver = true;
      this.#over.resolve();
    };
    signal.addEventListener('abort', end);
    const disarm = clock.after(timeoutMs, () => {
      log.warn({ timeoutMs }, 'a run took too long: aborting what is under way');
      end();
      for (const key of this.#underWay) this.#means.abort(key);
      this.#disarmGrace = clock.after(graceMs, () => this.#gone.resolve());
    });
    try {
      await this.#inTime(ready);
      if (this.#isOver) return {};
      const answer = source({ dueAt, now: clock.now(), limit, query: this.#means.query });
      const events = await (answer instanceof Promise ? this.#inTime(answer) : answer);
      if (events !== undefined) await this.#letThrough(events);
      return {};
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'a run failed to take its batch');
      return { failure: messageOf(error) };
    } finally {
      disarm();
      this.#disarmGrace?.();
      signal.removeEventListener('abort', end);
    }
  }

  async #letThrough(events: Iterable<unknown> | AsyncIterable<unknown>): Promise<void> {
    const { batch, concurrency } = this.#schedule;
    const iterator = Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]();
    let taken = 0;
    const work = async () => {
      while (taken < batch && !this.#isOver) {
        taken += 1;
        const next = await this.#inTime(Promise.resolve(iterator.next()));
        if (next === undefined || next.done === true) return;
        await this.#take(next.value);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(concurrency, batch) }, work));
    } finally {
      // A generator that is in the middle of something ends when it is done with that; nobody waits for it.
      Promise.resolve(iterator.return?.()).catch(() => undefined);
    }
  }

  /** What comes of a promise; undefined when the run is over before it. */
  #inTime<T>(promise: Promise<T>): Promise<T | undefined> {
    return Promise.race([promise, this.#over.promise.then(() => undefined)]);
  }

  async #take(event: unknown): Promise<void> {
    let key: string;
    try {
      key = await this.#means.ingest(event);
    } catch (error) {
      this.#refused(error);
      return;
    }
    this.#underWay.add(key);
    // While it was taken in, time may have run out.
    if (this.#isOver) this.#means.abort(key);
    await Promise.race([this.#means.finished(key), this.#gone.promise]);
    this.#underWay.delete(key);
  }

  /** An event that is not valid, or whose key is full, costs the others nothing; a door that is closed or full ends the run. */
  #refused(error: unknown): void {
    const code = error instanceof MillraceError ? error.code : 'MILL_INTERNAL';
    this.#means.log.warn({ code, reason: messageOf(error) }, 'an event of a run was refused');
    if (code !== 'MILL_KEY_FULL' && errorTable[code].retryable) this.#isOver = true;
  }
}
