import type { StoredDelivery } from '../../store/store.ts';

/** The deliveries that a commit has asked for, or that were read without being taken in hand. Only kept where somebody asks what a key has to do. */
export class Unread {
  readonly #isKept: boolean;
  readonly #deliveries = new Map<string, Pick<StoredDelivery, 'key' | 'flow'>>();

  constructor(isKept: boolean) {
    this.#isKept = isKept;
  }

  /** The names of all by now. */
  get names(): readonly string[] {
    return Array.from(this.#deliveries.keys());
  }

  /** Whether there is one of a key, other than what is put off. */
  has(key: string, isPutOff: (delivery: Pick<StoredDelivery, 'flow'>) => boolean): boolean {
    for (const unread of this.#deliveries.values()) if (unread.key === key && !isPutOff(unread)) return true;
    return false;
  }

  add(name: string, delivery: StoredDelivery): void {
    if (this.#isKept) this.#deliveries.set(name, delivery);
  }

  /** It is in hand, or it is not due. */
  delete(name: string): void {
    this.#deliveries.delete(name);
  }
}
