import { integerFrom, type Random, randomOf } from '../../systems/shared/random.ts';

/** Choices determined by a seed and a number alone, so that an attempt can be repeated. */
export class Draw {
  readonly #random: Random;

  constructor(seed: number, number: number) {
    this.#random = randomOf(seed, number);
  }

  /** Returns a whole number from `min` to `max`, inclusive. */
  integer(min: number, max: number): number {
    return integerFrom(this.#random, min, max);
  }

  /** Returns true in the given share of all cases. */
  chance(share: number): boolean {
    return this.#random() < share;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.integer(0, choices.length - 1)];
    if (choice === undefined) throw new RangeError('expected something to choose from, found nothing');
    return choice;
  }

  /** Returns one of the choices, weighted. */
  weighted<T extends { readonly weight: number }>(choices: readonly T[]): T {
    let left = this.#random() * choices.reduce((sum, { weight }) => sum + weight, 0);
    for (const choice of choices) {
      left -= choice.weight;
      if (left < 0) return choice;
    }
    return this.pick(choices);
  }

  /** A UUID of version 4. */
  uuid(): string {
    const hex = this.bytes(16).toString('hex');
    const variant = this.pick(['8', '9', 'a', 'b']);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  }

  /** Returns one of a few UUIDs shared by attempts, so that they collide. */
  sharedUuid(): string {
    return `f0220000-0000-4000-8000-${String(this.integer(0, 99)).padStart(12, '0')}`;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.integer(0, 255)));
  }
}
