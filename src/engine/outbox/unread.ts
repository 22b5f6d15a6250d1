import type { StoredDelivery } from '../../store/store.ts';

/** Deliveries requested by a commit, or read without being taken in hand. Kept only if somebody asks what a key has to do. */
export class Unread {
  readonly #isKept: boolean;
  readonly #deliveries = new Map<string, Pick<StoredDelivery, 'key' | 'flow'>>();

  constructor(isKept: boolean) {
    this.#isKept = isKept;
  }

  /** All current names. */
  get names(): readonly string[] {
    return Array.from(this.#deliveries.keys());
  }

  /** Returns whether a key has one, other than put-off deliveries. */
  has(key: string, isPutOff: (delivery: Pick<StoredDelivery, 'flow'>) => boolean): boolean {
    for (const unread of this.#deliveries.values()) if (unread.key === key && !isPutOff(unread)) return true;
    return false;
  }

  add(name: string, delivery: StoredDelivery): void {
    if (this.#isKept) this.#deliveries.set(name, delivery);
  }

  /** Removes one that is in hand, or not due. */
  delete(name: string): void {
    this.#deliveries.delete(name);
  }
}
