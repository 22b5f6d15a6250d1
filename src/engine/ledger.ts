import type { Standing } from '../store/store.ts';
import type { Clock } from './clock.ts';
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
  /** Dead letters that nobody has resolved. */
  #deadLetters = 0;
  /** Keys that wait for an operator: each for one dead letter. */
  #parkedKeys = 0;
  /** Deliveries without an outcome. */
  #deliveries = 0;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** Accepted events that are neither processed nor failed. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Keys that wait for an operator. */
  get parkedKeys(): number {
    return this.#parkedKeys;
  }

  received(events: number): void {
    this.#counters.received += events;
    this.#unsettled += events;
  }

  /** A draft is on disk. */
  committed({ counts, parked, unparked, deadLettersAdded }: Draft, deliveriesAdded: number, clock: Pick<Clock, 'now' | 'elapsedMs'>): void {
    this.#setDeadLetters(this.#deadLetters + deadLettersAdded);
    this.#setParkedKeys(this.#parkedKeys + parked.length - unparked.length);
    this.#setDeliveries(this.#deliveries + deliveriesAdded);
    this.received(counts.received);
    for (const { id, redriven } of unparked) {
      // One that an earlier process gave up was counted as received when this one started.
      const isFailed = this.#parked.delete(id);
      if (redriven && isFailed) this.received(1);
      else if (!redriven && !isFailed) counts.failed += 1;
    }
    for (const id of parked) this.#parked.add(id);
    this.#unsettled -= counts.processed + counts.failed;
    this.#counters.add(counts, clock);
  }

  /**
   * An operator has discarded events that waited.
   *
   * @param letters the dead letters of those that had parked their key
   */
  discarded(events: number, letters: readonly string[]): void {
    const counted = letters.filter((id) => this.#parked.delete(id)).length;
    this.#unsettled -= events - counted;
    this.#counters.discarded += events - counted;
  }

  /** Nobody knows whether a draft is on disk: what it redrove or discarded is counted as received again, to be settled anew. */
  doubted({ unparked }: Draft): void {
    for (const { id } of unparked) if (this.#parked.delete(id)) this.received(1);
  }

  /** At a claim: counts what waits at the start, and later makes up for calls that took effect although they failed. */
  recount(waiting: number, { deadLetters, parked, deliveries }: Pick<Standing, 'deadLetters' | 'parked' | 'deliveries'>): void {
    this.#setDeadLetters(deadLetters);
    this.#setParkedKeys(parked);
    this.#setDeliveries(deliveries);
    const missed = waiting - this.#parked.size - this.#unsettled;
    this.#unsettled += missed;
    if (missed > 0) this.#counters.received += missed;
    else this.#counters.processed -= missed;
  }

  /** What waits is another engine's now, which counts it as received. */
  handedOver(): void {
    this.#setDeadLetters(0);
    this.#setParkedKeys(0);
    this.#setDeliveries(0);
    this.#parked.clear();
    this.#counters.received -= this.#unsettled;
    this.#unsettled = 0;
  }

  #setDeliveries(deliveries: number): void {
    this.#counters.deliveries += deliveries - this.#deliveries;
    this.#deliveries = deliveries;
  }

  #setParkedKeys(parkedKeys: number): void {
    this.#counters.parked += parkedKeys - this.#parkedKeys;
    this.#parkedKeys = parkedKeys;
  }

  #setDeadLetters(deadLetters: number): void {
    this.#counters.deadLetters += deadLetters - this.#deadLetters;
    this.#deadLetters = deadLetters;
  }
}
