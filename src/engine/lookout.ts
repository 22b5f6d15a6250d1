import type { Clock } from './clock.ts';

/** The dependencies of a lookout. */
export interface LookoutMeans {
  readonly clock: Pick<Clock, 'alarm'>;
  /** Takes one look. */
  look(): Promise<void>;
  /** Called when a look is over and none follows at once. */
  looked(): void;
  failed(error: unknown): void;
}

/** Serialises looks at the store: one at a time, another right after it if requested meanwhile, and one at a set moment. */
export class Lookout {
  readonly #means: LookoutMeans;
  /** The earliest moment for which a look was requested. */
  #alarmAt = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;
  #isLooking = false;
  #isAskedAgain = false;
  #closed = false;

  constructor(means: LookoutMeans) {
    this.#means = means;
  }

  get isLooking(): boolean {
    return this.#isLooking;
  }

  /** True if a look follows the current one at once. */
  get isAskedAgain(): boolean {
    return this.#isAskedAgain;
  }

  /** Looks now, or right after the current look. */
  look(): void {
    if (this.#closed) return;
    if (this.#isLooking) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isAskedAgain = false;
    this.#isLooking = true;
    void this.#run();
  }

  /** Looks at a moment, unless an earlier look is already requested. */
  lookAt(moment: number): void {
    if (this.#closed || moment >= this.#alarmAt) return;
    this.#disarm?.();
    this.#alarmAt = moment;
    this.#disarm = this.#means.clock.alarm(moment, () => {
      this.#alarmAt = Number.POSITIVE_INFINITY;
      this.look();
    });
  }

  close(): void {
    this.#closed = true;
    this.#disarm?.();
  }

  async #run(): Promise<void> {
    try {
      await this.#means.look();
    } catch (error) {
      if (!this.#closed) this.#means.failed(error);
    }
    this.#isLooking = false;
    if (this.#isAskedAgain) this.look();
    else this.#means.looked();
  }
}
