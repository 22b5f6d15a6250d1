import type { Clock } from './clock.ts';

/** For how long, as far as looks at it tell, a partition has had work and settled nothing (promise 9). */
export class Progress {
  readonly #clock: Pick<Clock, 'elapsedMs'>;
  /** When something was settled last, or a look at an idle partition found it busy; in elapsed time. */
  #at: number | undefined;

  constructor(clock: Pick<Clock, 'elapsedMs'>) {
    this.#clock = clock;
  }

  settled(): void {
    this.#at = this.#clock.elapsedMs();
  }

  /** The pipeline was paused or resumed: a pause is no time without progress. */
  pauseChanged(): void {
    this.#at = undefined;
  }

  /** Returns for how long there has been work and no progress, in milliseconds. */
  silentMs(hasWork: boolean): number {
    const now = this.#clock.elapsedMs();
    if (hasWork) this.#at ??= now;
    else this.#at = undefined;
    return now - (this.#at ?? now);
  }
}
