/** First and longest pause after a failure, and while there is no room, in milliseconds. */
const pausesMs = { least: 50, most: 2_000 };

/** Returns the pause before the next try, which doubles with each attempt, in milliseconds. @param attempt counted from 1 */
export function pauseMsOf(attempt: number): number {
  return Math.min(pausesMs.most, pausesMs.least * 2 ** (attempt - 1));
}

interface Setback {
  /** The offset of the first record that was not taken. */
  readonly offset: number;
  /** How often in a row. */
  readonly times: number;
  /** When the partition may be read again, in elapsed time. */
  readonly retryAt: number;
}

/**
 * Partitions of a topic whose records the store did not take last time, such as those of a lease that is over. Each waits before it is read
 * again, longer each time, while the others are read on.
 */
export class Setbacks {
  readonly #now: () => number;
  readonly #byPartition = new Map<number, Setback>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes that the records from an offset on were not taken. At another offset than before, records were taken in between. */
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
