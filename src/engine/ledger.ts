import type { Standing } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Counters } from './counts.ts';
import type { Draft } from './draft.ts';
import { figuresBy, recordOf } from './metric-names.ts';

const storedFigures = figuresBy('by the store');
type StoredFigure = (typeof storedFigures)[number];

/** Keeps a partition's `received`, `processed` and `failed` true to the disk: received events in neither of the other two are waiting. */
export class Ledger {
  readonly #counters: Counters;
  /** Counted as received, but neither as processed nor as failed. */
  #unsettled = 0;
  #isCounted = false;
  /** Dead letters of parked keys that are counted as failed: their events wait, but not in `unsettled`. */
  readonly #parked = new Set<string>();
  /** The store's figures for the partition. */
  readonly #stored = recordOf(storedFigures, () => 0);

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** Accepted events that are neither processed nor failed. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** True while waiting events are counted: from a claim until the partition is handed over. */
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

  /** Notes rows that became dead letters outside any draft. */
  buried(letters: number): void {
    this.#change('deadLetters', letters);
  }

  /** Applies a draft that is on disk. */
  committed(draft: Draft, deliveriesAdded: number, clock: Pick<Clock, 'now' | 'elapsedMs'>): void {
    const { counts, parked, unparked, parkedByHand, deadLettersAdded } = draft;
    this.#change('deadLetters', deadLettersAdded);
    this.#change('parked', parked.length - unparked.length + parkedByHand);
    this.#change('deliveries', deliveriesAdded);
    this.received(counts.received);
    for (const { id, redriven } of unparked) {
      // A letter from an earlier process was counted as received when this one started.
      const isFailed = this.#parked.delete(id);
      if (redriven && isFailed) this.received(1);
      else if (!redriven && !isFailed) counts.failed += 1;
    }
    for (const id of parked) this.#parked.add(id);
    this.#unsettled -= counts.processed + counts.failed;
    this.#counters.add(draft, clock);
  }

  /**
   * Notes waiting events that an operator discarded.
   *
   * @param letters the dead letters of those that had parked their key
   */
  discarded(events: number, letters: readonly string[]): void {
    const counted = letters.filter((id) => this.#parked.delete(id)).length;
    this.#unsettled -= events - counted;
    this.#counters.count('discarded', events - counted);
  }

  /** Handles a draft that may or may not be on disk: everything it redrove or discarded counts as received again, to be settled anew. */
  doubted({ unparked }: Draft): void {
    for (const { id } of unparked) if (this.#parked.delete(id)) this.received(1);
  }

  /** Handles a claim: counts the waiting events at the start, and later corrects for calls that took effect although they failed. */
  recount(waiting: number, standing: Pick<Standing, StoredFigure>): void {
    for (const name of storedFigures) this.#change(name, standing[name] - this.#stored[name]);
    this.#isCounted = true;
    const missed = waiting - this.#parked.size - this.#unsettled;
    this.#unsettled += missed;
    if (missed > 0) this.#counters.count('received', missed);
    else this.#counters.count('processed', -missed);
  }

  /** Notes a hand-over: the waiting events now belong to another engine, which counts them as received. */
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
