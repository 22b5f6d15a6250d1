/** The distribution of measured values. */
export interface DistributionSnapshot {
  /** Inclusive upper bounds, ascending. */
  readonly bounds: readonly number[];
  /** Number of values up to each bound and above the one before; plus one entry for values above the last. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Counts measured values in fixed buckets. Recording one costs a few comparisons and allocates nothing. */
export class Distribution {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** @param times number of equal values */
  record(value: number, times = 1): void {
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + times;
    this.#sum += value * times;
  }

  snapshot(): DistributionSnapshot {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}

/** Bounds for durations in milliseconds: from a tenth of a millisecond to a minute. */
export const durationBoundsMs = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

/** Bounds for batch sizes. */
export const sizeBounds = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500];
