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
 * Watches the age of a partition's oldest gap. When it reaches `order.alarmAfter` the log gets one line, and {@link GapWatch.isAlarmed}
 * stays true until no gap is that old. It outlives a tenure, so a store failure repeats no line.
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

  /** The gap that has lasted longest; may still be shown for about a second after its end. */
  get oldest(): StoredGap | undefined {
    return this.#oldest;
  }

  /** Age of the oldest gap, in milliseconds; 0 if there is none. */
  get ageMs(): number {
    return this.#oldest === undefined ? 0 : Math.max(0, this.#means.clock.now() - this.#oldest.since);
  }

  get isAlarmed(): boolean {
    return this.#oldest !== undefined && this.ageMs >= this.#alarmAfterMs;
  }

  /** The time at which the alarm needs the next look; infinite once it was raised, or if there is nothing to wait for. */
  get alarmAt(): number {
    return this.#oldest === undefined || this.#isLogged ? Number.POSITIVE_INFINITY : this.#oldest.since + this.#alarmAfterMs;
  }

  /** Begins a tenure. @param noted number of gaps noted by an earlier one */
  begin(noted: number): void {
    this.#count = noted;
  }

  /** Notes that another engine works on the partition, and takes care of its gaps. */
  handedOver(): void {
    this.#count = 0;
    this.see(undefined);
  }

  /** Applies a commit's change in the number of noted gaps. */
  committed(added: number): void {
    this.#count += added;
  }

  /** Notes a gap. */
  noted(gap: StoredGap): void {
    if (this.#oldest === undefined || gap.since < this.#oldest.since || gap.key === this.#oldest.key) this.#oldest = gap;
  }

  /** Takes the store's answer about the oldest gap. */
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
    log.warn(fields, 'a key has waited for a number longer than order.alarmAfter');
  }
}
