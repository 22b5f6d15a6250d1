import { integerFrom, type Random } from '../../shared/random.ts';

export interface DisorderOptions<T> {
  readonly items: Iterator<T>;
  /** Number of items to take. */
  readonly count: number;
  /** The share of items that occur again, from 0 to 1. */
  readonly repeats: number;
  /** Number of items in the hat from which the next one is drawn; 0 keeps the order. */
  readonly hat: number;
  readonly random: Random;
}

/** Returns the total number of items that {@link disorder} yields. */
export function countWithRepeats(count: number, repeats: number): number {
  return count + Math.floor(count * repeats);
}

/** Yields the items out of order, and some of them again, earlier or later. Only the random numbers decide which. */
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
