import type { Clock } from './clock.ts';

/** Measures how long, judging by looks at it, a partition has had work and settled nothing (promise 9). */
export class Progress {
  readonly #clock: Pick<Clock, 'elapsedMs'>;
  /** The time at which something was last settled, or a look found an idle partition busy; in elapsed time. */
  #at: number | undefined;

  constructor(clock: Pick<Clock, 'elapsedMs'>) {
    this.#clock = clock;
  }

  settled(): void {
    this.#at = this.#clock.elapsedMs();
  }

  /** Notes that the pipeline was paused or resumed: a pause does not count as time without progress. */
  pauseChanged(): void {
    this.#at = undefined;
  }

  /** Returns how long there has been work without progress, in milliseconds. */
  silentMs(hasWork: boolean): number {
    const now = this.#clock.elapsedMs();
    if (hasWork) this.#at ??= now;
    else this.#at = undefined;
    return now - (this.#at ?? now);
  }
}
