/** First and longest pause after a failure, and while there is no room, in milliseconds. */
const pausesMs = { least: 50, most: 2_000 };

/** Returns the pause before the next try, which doubles with each attempt, in milliseconds. @param attempt counted from 1 */
export function pauseMsOf(attempt: number): number {
  return Math.min(pausesMs.most, pausesMs.least * 2 ** (attempt - 1));
}

/** The records that the store did not take. */
export interface NotTaken {
  /** The offset of the first of them. */
  readonly offset: number;
  /** The offset after the last record of the partition, as far as is known. */
  readonly end: number;
  readonly reason: string;
}

/** A partition whose records the store did not take. */
export interface Setback extends NotTaken {
  readonly partition: number;
  /** Number of failures in a row. */
  readonly times: number;
  /** The time of the first failure, in elapsed time. */
  readonly since: number;
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

  /** Notes that the store did not take records. A new offset starts a new count: records were taken in between. */
  note(partition: number, notTaken: NotTaken): void {
    const now = this.#now();
    const before = this.#byPartition.get(partition);
    const { times, since } = before?.offset === notTaken.offset ? before : { times: 0, since: now };
    this.#byPartition.set(partition, { ...notTaken, partition, times: times + 1, since, retryAt: now + pauseMsOf(times + 1) });
  }

  /** Forgets a setback once the records from its offset on were taken. */
  passed(partition: number, position: number): void {
    if (this.#byPartition.get(partition)?.offset !== position) this.forget(partition);
  }

  forget(partition: number): void {
    this.#byPartition.delete(partition);
  }

  clear(): void {
    this.#byPartition.clear();
  }

  /** Notes where a partition ends that waits. */
  endsAt(partition: number, end: number): void {
    const setback = this.#byPartition.get(partition);
    if (setback !== undefined) this.#byPartition.set(partition, { ...setback, end: Math.max(end, setback.offset) });
  }

  mustWait(partition: number): boolean {
    const setback = this.#byPartition.get(partition);
    return setback !== undefined && this.#now() < setback.retryAt;
  }

  get all(): readonly Setback[] {
    return Array.from(this.#byPartition.values());
  }
}
