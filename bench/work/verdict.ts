/** A row of the history: the effect of one event, in the order of effects. */
export interface HistoryRow {
  readonly key: string;
  readonly seq: number;
  readonly n: number;
}

/** What a history says about the promises. */
export interface Verdict {
  /** Rows in the history. */
  readonly effects: number;
  /** Events that are expected and have no row. */
  readonly missing: number;
  /** Rows beyond the first of an event. */
  readonly duplicates: number;
  /** First rows of events that come after a row of a later event of the same key. */
  readonly outOfOrder: number;
}

/** Compares a history with the numbers of the events that must be in it. */
export function judge(history: readonly HistoryRow[], expected: Iterable<number>): Verdict {
  const seen = new Set<number>();
  const last = new Map<string, number>();
  let duplicates = 0;
  let outOfOrder = 0;
  for (const { key, seq, n } of history) {
    if (seen.has(n)) {
      duplicates += 1;
      continue;
    }
    seen.add(n);
    const latest = last.get(key) ?? 0;
    if (seq < latest) outOfOrder += 1;
    else last.set(key, seq);
  }
  let missing = 0;
  for (const n of expected) if (!seen.has(n)) missing += 1;
  return { effects: history.length, missing, duplicates, outOfOrder };
}
