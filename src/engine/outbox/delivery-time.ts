import type { Clock } from '../clock.ts';

/**
 * The time by which the deliveries to one endpoint come due. It never goes back, so that a pause lasts as long as it was meant to:
 * when the wall clock is set back, it goes on from where it was. Once nothing waits any more it is the wall clock's again, so that
 * what is stored from then on can be read after a restart.
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

  /** It is at least that late: something in the store says so, or the wait for it has been long enough. */
  reach(moment: number): void {
    this.#leadMs = Math.max(this.#leadMs, moment - this.#clock.elapsedMs());
  }

  /** No delivery waits for a moment. */
  rest(): void {
    this.#leadMs = this.#clock.now() - this.#clock.elapsedMs();
  }
}
