import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SqlValue } from '../../pipeline/table.ts';
import { upTo } from '../list-size.ts';

/**
 * A prepared SELECT whose rows come as arrays: creating them and sending them to another thread costs half as much as for objects. `Row`
 * must match the SQL's columns; the tables are STRICT, so column types hold.
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

  /** Yields the rows one by one. The statement is busy until the last is taken, or the iterator is closed. */
  each(...parameters: SqlValue[]): IteratorObject<Row> {
    return this.#statement.iterate(...parameters) as unknown as IteratorObject<Row>;
  }

  /** Returns the rows up to the one whose size reaches `sizeMax` in total; all if that is undefined or infinite. */
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
