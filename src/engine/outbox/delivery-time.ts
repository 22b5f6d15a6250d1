import type { Clock } from '../clock.ts';

/**
 * The time by which the deliveries to one endpoint come due. It never goes back, so that a pause lasts as long as it was meant to:
 * when the wall clock is set back, it goes on from where it was. When nothing waits it is the wall clock's again, so that a restart
 * reads what is stored from then on as it was meant.
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

  /** No delivery waits. */
  rest(): void {
    this.#leadMs = this.#clock.now() - this.#clock.elapsedMs();
  }
}
