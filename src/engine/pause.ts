/** Tells whether an operator has paused a pipeline. Shared by all partitions of the pipeline. */
export class Pause {
  #isPaused = false;
  #changedAt = Number.NEGATIVE_INFINITY;

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** The time at which it was last changed here, in elapsed time. */
  get changedAt(): number {
    return this.#changedAt;
  }

  /** Pauses or resumes; returns false if that changes nothing. */
  turnTo(isPaused: boolean, at: number): boolean {
    this.#changedAt = at;
    if (this.#isPaused === isPaused) return false;
    this.#isPaused = isPaused;
    return true;
  }
}

/** Tells whether turns of a partition rest: while its pipeline is paused, and while the partition is being handed over. */
export class PartitionPause {
  readonly #pipeline: Pick<Pause, 'isPaused'>;
  #isHandedOver = false;

  constructor(pipeline: Pick<Pause, 'isPaused'>) {
    this.#pipeline = pipeline;
  }

  get isPaused(): boolean {
    return this.#isHandedOver || this.#pipeline.isPaused;
  }

  handOver(): void {
    this.#isHandedOver = true;
  }

  /** Notes that the partition is being handed over, or stays here. */
  handedOver(): void {
    this.#isHandedOver = false;
  }
}
