import type { StoredPipeline } from '../store.ts';
import { compareText } from '../text-order.ts';

/** Maximum number of unrequested pipeline names per count of inbox rows. */
export const strangersMax = 100;

/** Maximum characters read of an id or a traceparent: a longer one is refused all the same. */
export const inboxIdLengthMax = 10_000;

/**
 * Finds the names of the pipelines in the inbox with one index look-up each, however many rows there are.
 *
 * @param limit the placeholder for the maximum number of names, in the dialect's form
 */
export const strangersText = (limit: string) => `WITH RECURSIVE name (pipeline) AS (
    SELECT min(pipeline) FROM millrace_inbox
    UNION ALL
    SELECT (SELECT min(later.pipeline) FROM millrace_inbox AS later WHERE later.pipeline > name.pipeline) FROM name WHERE name.pipeline IS NOT NULL
  )
  SELECT pipeline FROM name WHERE pipeline IS NOT NULL LIMIT ${limit}`;

/**
 * Returns an inventory in name order, including pipelines that have only inbox rows.
 *
 * @param rowsOf number of rows, by pipeline
 */
export function withStrangers(stored: readonly StoredPipeline[], rowsOf: ReadonlyMap<string, number>): readonly StoredPipeline[] {
  const known = new Set(stored.map(({ pipeline }) => pipeline));
  const strangers = Array.from(rowsOf).filter(([pipeline]) => !known.has(pipeline));
  const none = { waiting: 0, states: 0, keys: [], timers: [], outcomes: [], deliveries: [], deadLetters: 0 };
  return [...stored, ...strangers.map(([pipeline, inbox]) => ({ pipeline, ...none, inbox }))].sort((a, b) =>
    compareText(a.pipeline, b.pipeline),
  );
}
