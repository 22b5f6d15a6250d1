import type { Counters } from './counts.ts';
import type { Draft } from './draft.ts';

/**
 * Keeps `received`, `processed` and `failed` of a partition true to what is on disk: what is received and neither of the
 * others is what waits there.
 */
export class Ledger {
  readonly #counters: Counters;
  /** Counted as received, and neither as processed nor as failed. */
  #unsettled = 0;
  /** Dead letters of parked keys that are counted as failed: their events wait, but not in `unsettled`. */
  readonly #parked = new Set<string>();

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  received(events: number): void {
    this.#counters.received += events;
    this.#unsettled += events;
  }

  /** A draft is on disk. */
  committed({ counts, parked, unparked }: Draft, now: number): void {
    this.received(counts.received);
    for (const { id, redriven } of unparked) {
      // One that an earlier process gave up was counted as received when this one started.
      const isFailed = this.#parked.delete(id);
      if (redriven && isFailed) this.received(1);
      else if (!redriven && !isFailed) counts.failed += 1;
    }
    for (const id of parked) this.#parked.add(id);
    this.#unsettled -= counts.processed + counts.failed;
    this.#counters.add(counts, now);
  }

  /** At a claim: counts what waits at the start, and later makes up for calls that took effect although they failed. */
  recount(waiting: number): void {
    const missed = waiting - this.#parked.size - this.#unsettled;
    this.#unsettled += missed;
    if (missed > 0) this.#counters.received += missed;
    else this.#counters.processed -= missed;
  }
}
