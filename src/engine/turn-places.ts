import type { Clock } from './clock.ts';

/**
 * The slots for asynchronous turns of a pipeline, as many as its `concurrency`, shared by all partitions of the pipeline: the number of
 * slices does not change how many handlers run. Partitions that found no free slot are called in order of arrival.
 */
export class TurnPlaces {
  readonly #max: number;
  readonly #clock: Pick<Clock, 'elapsedMs'>;
  readonly #waiting = new Set<() => void>();
  #taken = 0;
  /** The time at which a slot was last taken or released, in elapsed time. */
  #changedAt = Number.NEGATIVE_INFINITY;

  constructor(max: number, clock: Pick<Clock, 'elapsedMs'>) {
    this.#max = max;
    this.#clock = clock;
  }

  get isFull(): boolean {
    return this.#taken >= this.#max;
  }

  /** Time since all slots were taken by the same turns, in milliseconds; infinite while one is free. */
  get fullMs(): number {
    return this.isFull ? this.#clock.elapsedMs() - this.#changedAt : Number.POSITIVE_INFINITY;
  }

  take(): void {
    this.#taken += 1;
    this.#changedAt = this.#clock.elapsedMs();
  }

  /** Calls waiting partitions while a slot is free. One that needs none, or finds the next one taken again, waits anew. */
  release(): void {
    this.#taken -= 1;
    this.#changedAt = this.#clock.elapsedMs();
    for (const goOn of Array.from(this.#waiting)) {
      if (this.isFull) return;
      this.#waiting.delete(goOn);
      goOn();
    }
  }

  /** Calls `goOn` once, when a slot is free. */
  wait(goOn: () => void): void {
    this.#waiting.add(goOn);
  }

  /** Cancels a pending call. */
  leave(goOn: () => void): void {
    this.#waiting.delete(goOn);
  }
}
