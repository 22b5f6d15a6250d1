import type { Clock } from './clock.ts';

/** What a lookout works with. */
export interface LookoutMeans {
  readonly clock: Pick<Clock, 'alarm'>;
  /** One look. */
  look(): Promise<void>;
  /** A look is over, and none follows it at once. */
  looked(): void;
  failed(error: unknown): void;
}

/** Keeps looks at the store apart: one at a time, another right behind it where one was asked for meanwhile, and one when a moment comes. */
export class Lookout {
  readonly #means: LookoutMeans;
  /** The soonest moment that a look was asked for. */
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

  /** Whether a look follows the present one at once. */
  get isAskedAgain(): boolean {
    return this.#isAskedAgain;
  }

  /** Looks now, or right behind the present look. */
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

  /** Looks when a moment comes, if none that is asked for is sooner. */
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
