/** First and longest pause after a failure, and while there is no room, in milliseconds. */
const pausesMs = { least: 50, most: 2_000 };

/** Returns the pause before the next try, which doubles with each attempt, in milliseconds. @param attempt counted from 1 */
export function pauseMsOf(attempt: number): number {
  return Math.min(pausesMs.most, pausesMs.least * 2 ** (attempt - 1));
}

interface Setback {
  /** The offset of the first record that was not taken. */
  readonly offset: number;
  /** Number of failures in a row. */
  readonly times: number;
  /** The time from which the partition may be read again, in elapsed time. */
  readonly retryAt: number;
}

/**
 * Partitions of a topic whose records the store did not take, for example because a lease is over. Each waits before it is read again,
 * longer after each failure. The other partitions need not wait.
 */
export class Setbacks {
  readonly #now: () => number;
  readonly #byPartition = new Map<number, Setback>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes that the store did not take the records from an offset on. A new offset starts a new count: records were taken in between. */
  note(partition: number, offset: number): void {
    const before = this.#byPartition.get(partition);
    const times = before?.offset === offset ? before.times + 1 : 1;
    this.#byPartition.set(partition, { offset, times, retryAt: this.#now() + pauseMsOf(times) });
  }

  mustWait(partition: number): boolean {
    const setback = this.#byPartition.get(partition);
    return setback !== undefined && this.#now() < setback.retryAt;
  }
}
