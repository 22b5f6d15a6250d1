import type { Standing } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Counters } from './counts.ts';
import type { Draft } from './draft.ts';
import { figuresBy, recordOf } from './metric-names.ts';

const storedFigures = figuresBy('by the store');
type StoredFigure = (typeof storedFigures)[number];

/**
 * Keeps `received`, `processed` and `failed` of a partition true to what is on disk: what is received and neither of the
 * others is what waits there.
 */
export class Ledger {
  readonly #counters: Counters;
  /** Counted as received, and neither as processed nor as failed. */
  #unsettled = 0;
  #isCounted = false;
  /** Dead letters of parked keys that are counted as failed: their events wait, but not in `unsettled`. */
  readonly #parked = new Set<string>();
  /** What the store has of the partition. */
  readonly #stored = recordOf(storedFigures, () => 0);

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** Accepted events that are neither processed nor failed. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Whether what waits is counted: since a claim, and until the partition is handed over. */
  get isCounted(): boolean {
    return this.#isCounted;
  }

  /** Keys that wait for an operator. */
  get parkedKeys(): number {
    return this.#stored.parked;
  }

  received(events: number): void {
    this.#counters.count('received', events);
    this.#unsettled += events;
  }

  /** Rows have become dead letters that no draft has. */
  buried(letters: number): void {
    this.#change('deadLetters', letters);
  }

  /** A draft is on disk. */
  committed(draft: Draft, deliveriesAdded: number, clock: Pick<Clock, 'now' | 'elapsedMs'>): void {
    const { counts, parked, unparked, parkedByHand, deadLettersAdded } = draft;
    this.#change('deadLetters', deadLettersAdded);
    this.#change('parked', parked.length - unparked.length + parkedByHand);
    this.#change('deliveries', deliveriesAdded);
    this.received(counts.received);
    for (const { id, redriven } of unparked) {
      // One that an earlier process gave up was counted as received when this one started.
      const isFailed = this.#parked.delete(id);
      if (redriven && isFailed) this.received(1);
      else if (!redriven && !isFailed) counts.failed += 1;
    }
    for (const id of parked) this.#parked.add(id);
    this.#unsettled -= counts.processed + counts.failed;
    this.#counters.add(draft, clock);
  }

  /**
   * An operator has discarded events that waited.
   *
   * @param letters the dead letters of those that had parked their key
   */
  discarded(events: number, letters: readonly string[]): void {
    const counted = letters.filter((id) => this.#parked.delete(id)).length;
    this.#unsettled -= events - counted;
    this.#counters.count('discarded', events - counted);
  }

  /** Nobody knows whether a draft is on disk: what it redrove or discarded is counted as received again, to be settled anew. */
  doubted({ unparked }: Draft): void {
    for (const { id } of unparked) if (this.#parked.delete(id)) this.received(1);
  }

  /** At a claim: counts what waits at the start, and later makes up for calls that took effect although they failed. */
  recount(waiting: number, standing: Pick<Standing, StoredFigure>): void {
    for (const name of storedFigures) this.#change(name, standing[name] - this.#stored[name]);
    this.#isCounted = true;
    const missed = waiting - this.#parked.size - this.#unsettled;
    this.#unsettled += missed;
    if (missed > 0) this.#counters.count('received', missed);
    else this.#counters.count('processed', -missed);
  }

  /** What waits is another engine's now, which counts it as received. */
  handedOver(): void {
    for (const name of storedFigures) this.#change(name, -this.#stored[name]);
    this.#isCounted = false;
    this.#parked.clear();
    this.#counters.count('received', -this.#unsettled);
    this.#unsettled = 0;
  }

  #change(name: StoredFigure, by: number): void {
    this.#counters.count(name, by);
    this.#stored[name] += by;
  }
}
