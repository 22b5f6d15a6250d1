import type { ShownItem } from '../ledger.ts';
import type { KnownKey } from './timeline-facts.ts';

/** Follows the failed attempts of a key: each that committed must be told, in order. */
export class RetoldAttempts {
  readonly #known: KnownKey;
  readonly #say: (broken: string) => void;
  /** Failed attempts since the last success, end or change, by subject. */
  readonly #failed = new Map<string, number>();
  /** The items of the last failed attempts, by subject. */
  readonly #items = new Map<string, string>();

  constructor(known: KnownKey, say: (broken: string) => void) {
    this.#known = known;
    this.#say = say;
  }

  /** Returns the number of failed attempts so far. */
  of(subject: string): number {
    return this.#failed.get(subject) ?? 0;
  }

  /** Returns the id of the item of the last failed attempt. */
  lastItemOf(subject: string): string | undefined {
    return this.#items.get(subject);
  }

  failed(subject: string, { id, attempt }: ShownItem): void {
    // An outcome that arrives during the turn of the one before replaces it.
    const isAnother = attempt === 1 && subject.startsWith('outcome ');
    if (attempt !== this.of(subject) + 1 && !isAnother)
      this.#say(`tells attempt ${attempt} of ${subject} after ${this.of(subject)} that failed`);
    this.#failed.set(subject, Number(attempt));
    this.#items.set(subject, id);
  }

  /** Notes that the next attempt, if there is any, is the first one again. */
  over(subject: string): void {
    this.#failed.delete(subject);
  }

  /** Compares the failed attempts with those of everything that waits. The store does not show those of deliveries. */
  end(): void {
    const { attempts } = this.#known;
    for (const subject of new Set([...attempts.keys(), ...this.#failed.keys()])) {
      const expected = attempts.get(subject) ?? 0;
      if (this.of(subject) !== expected && !subject.startsWith('delivery '))
        this.#say(`tells ${this.of(subject)} failed attempts of ${subject}, expected ${expected}`);
    }
  }
}
