import { upTo } from '../list-size.ts';
import type { InboxQuery, InboxRow, NamedCount, NewInboxRow } from '../store.ts';

/** A transaction of another program. A row gets its place on insertion, and becomes visible once the transaction has committed. */
export interface InboxTransaction {
  insert(row: NewInboxRow): void;
  commit(): void;
}

/**
 * The inbox of an in-memory database, for simulations and tests that play other programs: nobody else could write to it. As in PostgreSQL,
 * a transaction that commits late places its rows before others that were visible earlier.
 */
export class MemoryInbox {
  readonly #rows = new Map<number, NewInboxRow>();
  readonly #listeners = new Set<() => void>();
  #place = 0;

  begin(): InboxTransaction {
    const inserted: [place: number, row: NewInboxRow][] = [];
    return {
      insert: (row) => {
        this.#place += 1;
        inserted.push([this.#place, row]);
      },
      commit: () => {
        for (const [place, row] of inserted) this.#rows.set(place, row);
      },
    };
  }

  /** Inserts rows in their own transaction, and notifies listeners. */
  insert(rows: readonly NewInboxRow[]): void {
    const transaction = this.begin();
    for (const row of rows) transaction.insert(row);
    transaction.commit();
    this.tell();
  }

  /** The texts of all rows. */
  get events(): readonly string[] {
    return Array.from(this.#rows.values(), ({ event }) => event);
  }

  /** Notifies listeners that there may be rows. */
  tell(): void {
    for (const grown of this.#listeners) grown();
  }

  listen(grown: () => void): () => void {
    this.#listeners.add(grown);
    return () => this.#listeners.delete(grown);
  }

  waiting(countMax: number): readonly NamedCount[] {
    const counts = this.counts;
    return Array.from(counts, ([name, count]) => ({ name, count: Math.min(count, countMax) }));
  }

  /** Number of rows, by pipeline. */
  get counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { pipeline } of this.#rows.values()) counts.set(pipeline, (counts.get(pipeline) ?? 0) + 1);
    return counts;
  }

  rows({ pipeline, except, eventLengthMax, limit, charactersMax }: InboxQuery): readonly InboxRow[] {
    const found = Array.from(this.#rows)
      .filter(([place, row]) => row.pipeline === pipeline && !except.includes(place))
      .sort(([a], [b]) => a - b)
      .slice(0, limit);
    const rows = found.map(([place, { id, traceparent, event }]) => {
      const characters = Array.from(event);
      return { place, id, traceparent, event: characters.slice(0, eventLengthMax).join(''), length: characters.length };
    });
    return upTo(rows, ({ event }) => event.length, charactersMax);
  }

  has(place: number): boolean {
    return this.#rows.has(place);
  }

  delete(place: number): void {
    this.#rows.delete(place);
  }

  forget(pipeline: string): void {
    for (const [place, row] of this.#rows) if (row.pipeline === pipeline) this.#rows.delete(place);
  }
}
