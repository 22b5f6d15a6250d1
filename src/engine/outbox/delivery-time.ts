import type { Clock } from '../clock.ts';

/**
 * The time by which deliveries to one endpoint come due. It never goes back, so that a pause lasts as long as intended: if the wall clock
 * is set back, it carries on from where it was. When nothing waits it returns to the wall clock, so that a restart reads later stored
 * moments correctly.
 */
export class DeliveryTime {
  readonly #clock: Clock;
  /** Its lead over elapsed time. */
  #leadMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#leadMs = clock.now() - clock.elapsedMs();
  }

  /** Milliseconds since 1970; never earlier than the wall clock. */
  now(): number {
    this.reach(this.#clock.now());
    return Math.round(this.#clock.elapsedMs() + this.#leadMs);
  }

  /** Moves it ahead to at least `moment`: something in the store proves that time, or the wait for it has been long enough. */
  reach(moment: number): void {
    this.#leadMs = Math.max(this.#leadMs, moment - this.#clock.elapsedMs());
  }

  /** Notes that no delivery waits. */
  rest(): void {
    this.#leadMs = this.#clock.now() - this.#clock.elapsedMs();
  }
}
