import type { StoredDelivery } from '../../store/store.ts';
import { Tally } from './tally.ts';
import { WaitingLine } from './waiting-line.ts';

/**
 * The deliveries that a queue has in hand. One is in *hand* from when it is read until a commit has said what became of it, so it is
 * never called twice. Of those in hand some *wait*: their call has not begun.
 */
export class Hand {
  readonly #deliveries = new Map<string, StoredDelivery>();
  readonly #ofFlow = new Tally();
  readonly #ofKey = new Tally();
  readonly #line = new WaitingLine();

  get size(): number {
    return this.#deliveries.size;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#line.size;
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
    this.#ofFlow.add(delivery.flow);
    this.#ofKey.add(delivery.key);
  }

  /** It is in hand no more. Returns it; undefined when it was not in hand. */
  drop(name: string): StoredDelivery | undefined {
    const delivery = this.#deliveries.get(name);
    if (delivery === undefined) return undefined;
    this.#deliveries.delete(name);
    this.#ofFlow.take(delivery.flow);
    this.#ofKey.take(delivery.key);
    return delivery;
  }

  /** One in hand waits for a place. */
  wait(delivery: StoredDelivery): void {
    this.#line.push(delivery);
  }

  /** The next that waits and may begin, which waits no more; undefined when there is none. */
  next(mayBegin: (delivery: StoredDelivery) => boolean): StoredDelivery | undefined {
    return this.#line.take(mayBegin);
  }

  someWaits(isSo: (delivery: StoredDelivery) => boolean): boolean {
    return this.#line.some(isSo);
  }

  /** Those that wait and for which `isGone` holds wait no more. */
  waitNoMore(isGone: (delivery: StoredDelivery) => boolean): readonly StoredDelivery[] {
    return this.#line.remove(isGone);
  }
}
