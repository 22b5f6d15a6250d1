import { sizeOfDelivery } from '../../store/list-size.ts';
import type { StoredDelivery } from '../../store/store.ts';
import { Tally } from './tally.ts';
import { WaitingLine } from './waiting-line.ts';

/**
 * The deliveries that a queue has in hand. A delivery is in *hand* from when it is read until a commit has recorded its fate, so it is
 * never called twice. In hand, some *wait*: their call has not begun. Others are *over*: their call has ended, but no commit has recorded
 * it yet.
 */
export class Hand {
  readonly #deliveries = new Map<string, StoredDelivery>();
  readonly #ofFlow = new Tally();
  readonly #ofKey = new Tally();
  readonly #line = new WaitingLine();
  readonly #over = new Set<StoredDelivery>();
  #size = 0;
  #sizeOfWaiting = 0;
  #sizeOfOver = 0;

  get size(): number {
    return this.#deliveries.size;
  }

  /** Number of waiting deliveries. */
  get waiting(): number {
    return this.#line.size;
  }

  /** UTF-16 units of the payloads in hand. */
  get sizeOfAll(): number {
    return this.#size;
  }

  /** UTF-16 units of the waiting payloads. */
  get sizeOfWaiting(): number {
    return this.#sizeOfWaiting;
  }

  /** UTF-16 units of the payloads whose calls are over. */
  get sizeOfOver(): number {
    return this.#sizeOfOver;
  }

  /** By name. */
  get deliveries(): ReadonlyMap<string, StoredDelivery> {
    return this.#deliveries;
  }

  ofFlow(flow: string): number {
    return this.#ofFlow.of(flow);
  }

  ofKey(key: string): number {
    return this.#ofKey.of(key);
  }

  isWaiting(delivery: StoredDelivery): boolean {
    return this.#line.has(delivery);
  }

  take(name: string, delivery: StoredDelivery): void {
    this.#deliveries.set(name, delivery);
    this.#size += sizeOfDelivery(delivery);
    this.#ofFlow.add(delivery.flow);
    this.#ofKey.add(delivery.key);
  }

  /** Removes one from the hand. Returns it; undefined if it was not in hand. */
  drop(name: string): StoredDelivery | undefined {
    const delivery = this.#deliveries.get(name);
    if (delivery === undefined) return undefined;
    this.#deliveries.delete(name);
    this.#size -= sizeOfDelivery(delivery);
    this.#ofFlow.take(delivery.flow);
    this.#ofKey.take(delivery.key);
    if (this.#over.delete(delivery)) this.#sizeOfOver -= sizeOfDelivery(delivery);
    return delivery;
  }

  /** Makes one in hand wait for a slot. */
  wait(delivery: StoredDelivery): void {
    this.#line.push(delivery);
    this.#sizeOfWaiting += sizeOfDelivery(delivery);
  }

  /** Returns the next waiting delivery that may begin, which then no longer waits; undefined if there is none. */
  next(mayBegin: (delivery: StoredDelivery) => boolean): StoredDelivery | undefined {
    const next = this.#line.take(mayBegin);
    if (next !== undefined) this.#sizeOfWaiting -= sizeOfDelivery(next);
    return next;
  }

  /** Notes that a call has ended. Its delivery may no longer be in hand: a commit may have withdrawn it meanwhile. */
  end(name: string): void {
    const delivery = this.#deliveries.get(name);
    if (delivery === undefined || this.#over.has(delivery)) return;
    this.#over.add(delivery);
    this.#sizeOfOver += sizeOfDelivery(delivery);
  }

  someWaits(isSo: (delivery: StoredDelivery) => boolean): boolean {
    return this.#line.some(isSo);
  }

  /** Removes from the waiting ones those for which `isGone` holds. */
  waitNoMore(isGone: (delivery: StoredDelivery) => boolean): readonly StoredDelivery[] {
    const gone = this.#line.remove(isGone);
    for (const delivery of gone) this.#sizeOfWaiting -= sizeOfDelivery(delivery);
    return gone;
  }
}
