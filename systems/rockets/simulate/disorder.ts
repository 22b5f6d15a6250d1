import { integerFrom, type Random } from '../../shared/random.ts';

export interface DisorderOptions<T> {
  readonly items: Iterator<T>;
  /** How many of the items are taken. */
  readonly count: number;
  /** The share of the items that comes once more, from 0 to 1. */
  readonly repeats: number;
  /** How many items wait in the hat out of which the next one is drawn; 0 keeps the order. */
  readonly hat: number;
  readonly random: Random;
}

/** How many items {@link disorder} gives in all. */
export function countWithRepeats(count: number, repeats: number): number {
  return count + Math.floor(count * repeats);
}

/** The items out of order, and some of them once more, before or after. The random numbers alone decide which. */
export function* disorder<T extends object>({ items, count, repeats, hat, random }: DisorderOptions<T>): Generator<T, void> {
  const waiting: T[] = [];
  const place = () => integerFrom(random, 0, waiting.length - 1);
  for (let taken = 1; taken <= count; taken++) {
    const { value, done } = items.next();
    if (done) break;
    waiting.push(value);
    const again = countWithRepeats(taken, repeats) - countWithRepeats(taken - 1, repeats) > 1;
    if (again) waiting.push(waiting[place()] ?? value);
    while (waiting.length > hat) yield* waiting.splice(place(), 1);
  }
  while (waiting.length > 0) yield* waiting.splice(place(), 1);
}
