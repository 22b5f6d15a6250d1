import { codeOf } from '../fault.ts';
import type { DeadLetter, DeadLetterQuery } from '../store/store.ts';

export interface LettersMeans {
  query(query: DeadLetterQuery): Promise<readonly DeadLetter[]>;
  /** Discards letters; returns how many, not counting those that others resolved meanwhile. */
  discard(letters: readonly DeadLetter[]): Promise<number>;
}

/** Letters read and discarded at once; those of one partition share commits. */
const lettersMax = 500;

/**
 * Discards the dead letters that a query finds, in bounded slices. Returns how many, not counting those that others resolved meanwhile.
 *
 * @param filter at most `count` are examined: an unblocked key may leave a new one at once
 */
export async function discardLetters(
  { query, discard }: LettersMeans,
  { count, ...filter }: { readonly pipeline: string; readonly key?: string | undefined; readonly count: number },
): Promise<number> {
  let discarded = 0;
  let after: string | undefined;
  for (let left = count; left > 0; ) {
    const letters = await query({ ...filter, limit: Math.min(lettersMax, left), after });
    if (letters.length === 0) return discarded;
    discarded += await discard(letters);
    left -= letters.length;
    after = letters.at(-1)?.id;
  }
  return discarded;
}

/** Discards each letter; returns how many. Throws if one cannot be discarded for a reason other than having been resolved by others. */
export async function discardEach<T>(letters: readonly T[], discard: (letter: T) => Promise<void>): Promise<number> {
  const outcomes = await Promise.allSettled(letters.map(discard));
  for (const outcome of outcomes) if (outcome.status === 'rejected' && !isResolved(outcome.reason)) throw outcome.reason;
  return outcomes.filter(({ status }) => status === 'fulfilled').length;
}

function isResolved(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'MILL_NOT_FOUND' || code === 'MILL_CONFLICT';
}
