import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SqlValue, Table } from '../../pipeline/table.ts';
import { updateStatement } from '../tables/write-statements.ts';

/** Column sets per table whose statement is kept. Handlers use few; beyond that the oldest is prepared anew. */
const statementsMax = 256;

interface PreparedUpdate {
  /** Undefined if nothing changes. */
  readonly statement: StatementSync | undefined;
  /** For each parameter, the index of its value in the row. */
  readonly order: readonly number[];
}

/** Changes columns of rows of one table, found by primary key, with one statement per column set. */
export class RowUpdate {
  readonly #db: DatabaseSync;
  readonly #table: Table;
  readonly #statements = new Map<string, PreparedUpdate>();

  constructor(db: DatabaseSync, table: Table) {
    this.#db = db;
    this.#table = table;
  }

  /**
   * Does nothing if only the primary key is named. Throws `MILL_INVALID_EFFECT` for columns that lack the primary key or are not in the
   * table.
   */
  run(columns: readonly string[], rows: readonly (readonly SqlValue[])[]): void {
    const { statement, order } = this.#statement(columns);
    if (statement === undefined) return;
    for (const row of rows) statement.run(...order.map((at) => row[at] ?? null));
  }

  #statement(columns: readonly string[]): PreparedUpdate {
    const name = columns.join();
    const known = this.#statements.get(name);
    if (known !== undefined) return known;
    const { sql, order } = updateStatement(this.#table, columns);
    const prepared = { statement: sql === undefined ? undefined : this.#db.prepare(sql), order };
    const [oldest] = this.#statements.keys();
    if (oldest !== undefined && this.#statements.size >= statementsMax) this.#statements.delete(oldest);
    this.#statements.set(name, prepared);
    return prepared;
  }
}
