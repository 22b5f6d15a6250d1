import type { Clock } from './clock.ts';

/**
 * The places for asynchronous turns of a pipeline, as many as its `concurrency`. All partitions of the pipeline share them: the number of
 * slices does not change how many handlers are at work. Partitions that found no free place are called in the order in which they came.
 */
export class TurnPlaces {
  readonly #max: number;
  readonly #clock: Pick<Clock, 'elapsedMs'>;
  readonly #waiting = new Set<() => void>();
  #taken = 0;
  /** When a place was last taken or released, in elapsed time. */
  #changedAt = Number.NEGATIVE_INFINITY;

  constructor(max: number, clock: Pick<Clock, 'elapsedMs'>) {
    this.#max = max;
    this.#clock = clock;
  }

  get isFull(): boolean {
    return this.#taken >= this.#max;
  }

  /** For how long all places have been taken, and by the same turns, in milliseconds; infinite while one is free. */
  get fullMs(): number {
    return this.isFull ? this.#clock.elapsedMs() - this.#changedAt : Number.POSITIVE_INFINITY;
  }

  take(): void {
    this.#taken += 1;
    this.#changedAt = this.#clock.elapsedMs();
  }

  /** Calls those who wait, for as long as a place is free. Who needs none, or finds the next one taken again, waits anew. */
  release(): void {
    this.#taken -= 1;
    this.#changedAt = this.#clock.elapsedMs();
    for (const goOn of Array.from(this.#waiting)) {
      if (this.isFull) return;
      this.#waiting.delete(goOn);
      goOn();
    }
  }

  /** Calls `goOn` once, when a place is free. */
  wait(goOn: () => void): void {
    this.#waiting.add(goOn);
  }

  /** Does not call it any more. */
  leave(goOn: () => void): void {
    this.#waiting.delete(goOn);
  }
}
