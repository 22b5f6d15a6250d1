/** A run in which every row fails ends after this many, or after this many batches if that is more. */
const waitingMax = 100;
const waitingBatchesMax = 10;

/**
 * The slots of a run's batch. A slot belongs to a row that is handled: any other row passes its slot on, so that failing rows do not crowd
 * out others.
 */
export class BatchPlaces {
  #free: number;
  /** Number of further rows that may pass their slot on while they wait for a retry or an operator. */
  #waiting: number;

  constructor(batch: number) {
    this.#free = batch;
    this.#waiting = Math.max(waitingMax, waitingBatchesMax * batch);
  }

  /** Takes a slot; returns false if there is none. */
  take(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  /** Returns the slot of a row that had no turn. */
  release(): void {
    this.#free += 1;
  }

  /** Returns the slot of a row whose event waits for a retry or an operator, unless too many have already. */
  releaseWaiting(): void {
    if (this.#waiting === 0) return;
    this.#waiting -= 1;
    this.#free += 1;
  }
}
