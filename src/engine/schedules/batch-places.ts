/** A run in which every row fails ends after so many, or after this many batches where that is more. */
const waitingMax = 100;
const waitingBatchesMax = 10;

/**
 * The places of a run's batch. A place belongs to a row that is handled: any other row hands its place to the next one, so
 * that rows that fail keep no others from their turn.
 */
export class BatchPlaces {
  #free: number;
  /** How many more rows may wait for a retry or an operator and hand their place on. */
  #waiting: number;

  constructor(batch: number) {
    this.#free = batch;
    this.#waiting = Math.max(waitingMax, waitingBatchesMax * batch);
  }

  /** Takes a place; false when there is none. */
  take(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  /** Returns the place of a row that had no turn. */
  release(): void {
    this.#free += 1;
  }

  /** Returns the place of a row whose event waits for a retry or an operator, unless too many did already. */
  releaseWaiting(): void {
    if (this.#waiting === 0) return;
    this.#waiting -= 1;
    this.#free += 1;
  }
}
