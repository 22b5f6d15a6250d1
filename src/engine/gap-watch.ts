import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { StoredGap } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

export interface GapWatchMeans {
  readonly clock: Clock;
  readonly log: Logger;
  readonly pipeline: Pick<AnyPipeline, 'name' | 'order'>;
}

/**
 * Watches the age of the oldest gap of a partition. When it reaches `order.alarmAfter` the log gets one line, and {@link GapWatch.isAlarmed}
 * is true until no gap is that old any more. It outlives a tenure, so a failure of the store repeats no line.
 */
export class GapWatch {
  readonly #means: GapWatchMeans;
  readonly #alarmAfterMs: number;
  #oldest: StoredGap | undefined;
  #count = 0;
  #isLogged = false;

  constructor(means: GapWatchMeans) {
    this.#means = means;
    this.#alarmAfterMs = means.pipeline.order?.alarmAfterMs ?? Number.POSITIVE_INFINITY;
  }

  /** Keys whose wait for a number is noted. */
  get count(): number {
    return this.#count;
  }

  /** The gap that has lasted longest; for about a second after its end it may still be shown. */
  get oldest(): StoredGap | undefined {
    return this.#oldest;
  }

  /** For how long the oldest gap has lasted, in milliseconds; 0 when there is none. */
  get ageMs(): number {
    return this.#oldest === undefined ? 0 : Math.max(0, this.#means.clock.now() - this.#oldest.since);
  }

  get isAlarmed(): boolean {
    return this.#oldest !== undefined && this.ageMs >= this.#alarmAfterMs;
  }

  /** When the next look is due for the sake of the alarm; infinite when it has been given, or there is nothing to wait for. */
  get alarmAt(): number {
    return this.#oldest === undefined || this.#isLogged ? Number.POSITIVE_INFINITY : this.#oldest.since + this.#alarmAfterMs;
  }

  /** A tenure begins. @param noted how many gaps an earlier one noted */
  begin(noted: number): void {
    this.#count = noted;
  }

  /** Another engine works on the partition: what waits is its concern. */
  handedOver(): void {
    this.#count = 0;
    this.see(undefined);
  }

  /** A commit has noted more gaps than it closed, or fewer. */
  committed(added: number): void {
    this.#count += added;
  }

  /** A gap was noted. */
  noted(gap: StoredGap): void {
    if (this.#oldest === undefined || gap.since < this.#oldest.since || gap.key === this.#oldest.key) this.#oldest = gap;
  }

  /** The store was asked for the oldest gap. */
  see(oldest: StoredGap | undefined): void {
    this.#oldest = oldest;
    if (!this.isAlarmed) {
      this.#isLogged = false;
      return;
    }
    if (oldest === undefined || this.#isLogged) return;
    this.#isLogged = true;
    const { log, pipeline } = this.#means;
    const { key, next, first, since } = oldest;
    const fields = { pipeline: pipeline.name, key, next, first, since: new Date(since).toISOString(), keys: this.#count };
    log.warn(fields, 'a key waits for a number for longer than order.alarmAfter');
  }
}
