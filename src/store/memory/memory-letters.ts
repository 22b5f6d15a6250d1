import { patternOf } from '../reason-pattern.ts';
import type { DeadLetter, DeadLetterGroup, DeadLetterQuery } from '../store.ts';
import { compareGroups } from '../tables/dead-letter-groups.ts';
import { compareText } from '../text-order.ts';

/** Returns a predicate for the letters that a query selects. */
export function letterFilter(query: Omit<DeadLetterQuery, 'limit'>): (letter: DeadLetter) => boolean {
  const { pipeline, kind, key, id, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, upTo, after } = query;
  const pattern = query.reason === undefined ? undefined : patternOf(query.reason);
  return (letter) =>
    (pipeline ?? letter.partition.pipeline) === letter.partition.pipeline &&
    (kind ?? letter.kind) === letter.kind &&
    (key ?? letter.key) === letter.key &&
    (id ?? letter.id) === letter.id &&
    (query.ids?.includes(letter.id) ?? true) &&
    letter.failedAt >= from &&
    letter.failedAt < to &&
    (upTo === undefined || compareText(letter.id, upTo) <= 0) &&
    (after === undefined || compareText(letter.id, after) > 0) &&
    (pattern === undefined || patternOf(letter.reason) === pattern);
}

/** Groups letters by pipeline, kind and pattern, largest groups first. */
export function groupLetters(letters: readonly DeadLetter[], since: number): readonly DeadLetterGroup[] {
  const groups = Map.groupBy(letters, ({ partition, kind, reason }) => JSON.stringify([partition.pipeline, kind, patternOf(reason)]));
  return Array.from(groups, ([name, alike]) => {
    const [pipeline, kind, reason] = JSON.parse(name);
    const moments = alike.map(({ failedAt }) => failedAt);
    const arrivals = new Map<number, number>();
    for (const at of moments) {
      const minute = Math.floor((at - since) / 60_000);
      if (at >= since) arrivals.set(minute, (arrivals.get(minute) ?? 0) + 1);
    }
    const [first, last] = moments.reduce(([a, b], at) => [Math.min(a, at), Math.max(b, at)], [Number.POSITIVE_INFINITY, 0]);
    return { pipeline, kind, reason, count: alike.length, first, last, arrivals };
  }).sort(compareGroups);
}
