import { type MillraceError, messageOf } from '../../errors.ts';
import type { Schedule } from '../../pipeline/schedule.ts';
import type { QueryTables } from '../../pipeline/table-query.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';

/** What a run works with; the engine provides it, for the pipeline of the schedule. */
export interface ScheduleRunMeans {
  readonly clock: Clock;
  readonly log: Log;
  readonly query: QueryTables;
  /** Takes an event in and answers its key. Throws why it is rejected. */
  ingest(event: unknown): Promise<string>;
  /** Resolves once nothing is left to do for a key now: what waits for a retry goes on without the run. */
  finished(key: string): Promise<void>;
  /** Aborts what a key has under way, and lets go of what it has not begun. */
  abort(key: string): void;
}

/**
 * One run of a schedule: takes a batch from the source and lets it through, as many events at once as there are places. When
 * its time is over, what is under way is aborted, and what was not begun is left to the source.
 */
export class ScheduleRun {
  readonly #means: ScheduleRunMeans;
  readonly #schedule: Schedule;
  readonly #underWay = new Set<string>();
  #isOver = false;

  constructor(means: ScheduleRunMeans, schedule: Schedule) {
    this.#means = means;
    this.#schedule = schedule;
  }

  /** Resolves when the run has ended, whatever came of it. */
  async execute(dueAt: number, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#means;
    const { timeoutMs, batch: limit, source } = this.#schedule;
    const over = Promise.withResolvers<readonly unknown[]>();
    const end = () => {
      this.#isOver = true;
      over.resolve([]);
    };
    signal.addEventListener('abort', end);
    const disarm = clock.alarm(clock.now() + timeoutMs, () => {
      log.warn({ timeoutMs }, 'a run took too long: aborting what is under way');
      end();
      for (const key of this.#underWay) this.#means.abort(key);
    });
    try {
      const events = await Promise.race([source({ dueAt, limit, query: this.#means.query }), over.promise]);
      await this.#letThrough([...events].slice(0, limit));
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'a run failed to take its batch');
    } finally {
      disarm();
      signal.removeEventListener('abort', end);
    }
  }

  async #letThrough(events: unknown[]): Promise<void> {
    const work = async () => {
      for (let event = events.shift(); event !== undefined && !this.#isOver; event = events.shift()) await this.#take(event);
    };
    await Promise.all(Array.from({ length: Math.min(this.#schedule.concurrency, events.length) }, work));
  }

  async #take(event: unknown): Promise<void> {
    let key: string;
    try {
      key = await this.#means.ingest(event);
    } catch (error) {
      this.#refused(error as MillraceError);
      return;
    }
    this.#underWay.add(key);
    // While it was taken in, time may have run out.
    if (this.#isOver) this.#means.abort(key);
    await this.#means.finished(key);
    this.#underWay.delete(key);
  }

  /** An event that is not valid costs the others nothing; a door that is closed or full ends the run. */
  #refused({ code, message, retryable }: MillraceError): void {
    this.#means.log.warn({ code, reason: message }, 'an event of a run was refused');
    if (retryable) this.#isOver = true;
  }
}
