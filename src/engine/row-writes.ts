import type { SqlValue } from '../pipeline/table.ts';
import type { RowWrite } from '../store/store.ts';
import type { RowEffect } from './turn.ts';

interface Segment {
  /** The last row put under each primary key. */
  readonly puts: Map<string, readonly SqlValue[]>;
  readonly adds: (readonly SqlValue[])[];
  /** The last value of each changed column, under each primary key. */
  readonly updates: Map<string, Map<string, SqlValue>>;
}

/**
 * The writes of a draft's turns to one table, keeping only the last of many writes to a row. Adding never changes an existing row, so the
 * order between puts and adds does not matter; updates follow both. An add after an update begins a new segment.
 */
export class RowWrites {
  readonly #table: string;
  readonly #segments: Segment[] = [];

  constructor(table: string) {
    this.#table = table;
  }

  add(effect: RowEffect): void {
    let segment = this.#segments.at(-1);
    if (segment === undefined || (effect.write === 'add' && segment.updates.size > 0)) {
      segment = { puts: new Map(), adds: [], updates: new Map() };
      this.#segments.push(segment);
    }
    if (effect.write === 'update') {
      const changes = segment.updates.get(effect.identity) ?? new Map<string, SqlValue>();
      for (const [at, column] of effect.columns.entries()) changes.set(column, effect.values[at] ?? null);
      segment.updates.set(effect.identity, changes);
    } else if (effect.write === 'put') {
      segment.puts.set(effect.identity, effect.values);
      segment.updates.delete(effect.identity);
    } else segment.adds.push(effect.values);
  }

  toWrites(): readonly RowWrite[] {
    return this.#segments.flatMap(({ puts, adds, updates }) => {
      const writes: RowWrite[] = [];
      if (puts.size > 0) writes.push({ table: this.#table, write: 'put', rows: Array.from(puts.values()) });
      if (adds.length > 0) writes.push({ table: this.#table, write: 'add', rows: adds });
      for (const changes of updates.values()) {
        writes.push({ table: this.#table, write: 'update', columns: Array.from(changes.keys()), rows: [Array.from(changes.values())] });
      }
      return writes;
    });
  }
}
