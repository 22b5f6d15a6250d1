/** A row of the history: the effect of one event, in the order of effects. */
export interface HistoryRow {
  readonly key: string;
  readonly seq: number;
  readonly n: number;
  /** The count in the key's state that was written with it. */
  readonly total: number;
}

/** A judgement of a history by the promises. */
export interface Verdict {
  /** Rows in the history. */
  readonly effects: number;
  /** Expected events without a row. */
  readonly missing: number;
  /** Rows of an event beyond the first. */
  readonly duplicates: number;
  /** First rows of events that come after a row of a later event of the same key. */
  readonly outOfOrder: number;
  /** State changes overwritten by another handler of the same key: rows of a key that its state did not count. */
  readonly overwritten: number;
}

/** Compares a history with the numbers of the events it must contain. */
export function judge(history: readonly HistoryRow[], expected: Iterable<number>): Verdict {
  const seen = new Set<number>();
  const last = new Map<string, number>();
  const uncounted = new Map<string, number>();
  let duplicates = 0;
  let outOfOrder = 0;
  const rows = new Map<string, number>();
  for (const { key, seq, n, total } of history) {
    const count = (rows.get(key) ?? 0) + 1;
    rows.set(key, count);
    uncounted.set(key, Math.max(uncounted.get(key) ?? 0, count - total));
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
  return {
    effects: history.length,
    missing,
    duplicates,
    outOfOrder,
    overwritten: [...uncounted.values()].reduce((sum, one) => sum + one, 0),
  };
}
