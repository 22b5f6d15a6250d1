import type { StoredPipeline } from '../store.ts';
import { compareText } from '../text-order.ts';

/** Names of pipelines that rows of the inbox may have, beside those that somebody asks for, in one count. */
export const strangersMax = 100;

/** Of an id, or a traceparent, no more characters are read: one that is longer is refused all the same. */
export const inboxIdLengthMax = 10_000;

/**
 * The names of the pipelines in the inbox, each by one look at its index, however many rows there are.
 *
 * @param limit the parameter that says how many at most, as the dialect writes it
 */
export const strangersText = (limit: string) => `WITH RECURSIVE name (pipeline) AS (
    SELECT min(pipeline) FROM millrace_inbox
    UNION ALL
    SELECT (SELECT min(later.pipeline) FROM millrace_inbox AS later WHERE later.pipeline > name.pipeline) FROM name WHERE name.pipeline IS NOT NULL
  )
  SELECT pipeline FROM name WHERE pipeline IS NOT NULL LIMIT ${limit}`;

/**
 * An inventory in the order of its names, with the pipelines of which there is nothing but rows of the inbox.
 *
 * @param rowsOf how many rows there are, by pipeline
 */
export function withStrangers(stored: readonly StoredPipeline[], rowsOf: ReadonlyMap<string, number>): readonly StoredPipeline[] {
  const known = new Set(stored.map(({ pipeline }) => pipeline));
  const strangers = Array.from(rowsOf).filter(([pipeline]) => !known.has(pipeline));
  const none = { waiting: 0, states: 0, keys: [], timers: [], outcomes: [], deliveries: [], deadLetters: 0 };
  return [...stored, ...strangers.map(([pipeline, inbox]) => ({ pipeline, ...none, inbox }))].sort((a, b) =>
    compareText(a.pipeline, b.pipeline),
  );
}
