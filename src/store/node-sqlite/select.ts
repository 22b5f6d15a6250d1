import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SqlValue } from '../../pipeline/table.ts';
import { upTo } from '../list-size.ts';

/**
 * A prepared SELECT whose rows come as arrays: they cost half of what objects do, to make and to send to another
 * thread. `Row` must be what the SQL selects; the tables are STRICT, so the types of their columns hold.
 */
export class Select<Row extends readonly (SqlValue | Uint8Array)[]> {
  readonly #statement: StatementSync;

  constructor(db: DatabaseSync, sql: string) {
    this.#statement = db.prepare(sql);
    this.#statement.setReturnArrays(true);
  }

  all(...parameters: SqlValue[]): Row[] {
    return this.#statement.all(...parameters) as unknown[] as Row[];
  }

  /** The rows one by one. The statement is busy until the last is taken, or the iterator is closed. */
  each(...parameters: SqlValue[]): IteratorObject<Row> {
    return this.#statement.iterate(...parameters) as unknown as IteratorObject<Row>;
  }

  /** The rows up to the one with which their sizes reach `sizeMax`; all where that is undefined or infinite. */
  upTo(sizeMax: number | undefined, sizeOf: (row: Row) => number, ...parameters: SqlValue[]): Row[] {
    return sizeMax === undefined || sizeMax === Number.POSITIVE_INFINITY
      ? this.all(...parameters)
      : upTo(this.each(...parameters), sizeOf, sizeMax);
  }

  /** The first row. */
  get(...parameters: SqlValue[]): Row | undefined {
    return this.#statement.get(...parameters) as unknown as Row | undefined;
  }
}
