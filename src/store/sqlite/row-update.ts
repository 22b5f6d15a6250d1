import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { MillraceError } from '../../errors.ts';
import type { SqlValue, Table } from '../../pipeline/table.ts';
import { quote } from './sql-columns.ts';

/** Sets of columns whose statement is kept, per table. Handlers name few; beyond that the oldest is prepared anew. */
const statementsMax = 256;

interface UpdateStatement {
  /** Undefined where nothing changes. */
  readonly statement: StatementSync | undefined;
  /** For each parameter, which of the row's values it is. */
  readonly order: readonly number[];
}

/** Changes columns of rows of one table, found by primary key, by a statement for each set of columns. */
export class RowUpdate {
  readonly #db: DatabaseSync;
  readonly #table: Table;
  readonly #statements = new Map<string, UpdateStatement>();

  constructor(db: DatabaseSync, table: Table) {
    this.#db = db;
    this.#table = table;
  }

  /** Does nothing when only the primary key is named. Throws `MILL_INVALID_EFFECT` for columns that say no row or are none of the table's. */
  run(columns: readonly string[], rows: readonly (readonly SqlValue[])[]): void {
    const { statement, order } = this.#statement(columns);
    if (statement === undefined) return;
    for (const row of rows) statement.run(...order.map((at) => row[at] ?? null));
  }

  #statement(columns: readonly string[]): UpdateStatement {
    const name = columns.join();
    const known = this.#statements.get(name);
    if (known !== undefined) return known;
    const prepared = this.#prepare(columns);
    const [oldest] = this.#statements.keys();
    if (oldest !== undefined && this.#statements.size >= statementsMax) this.#statements.delete(oldest);
    this.#statements.set(name, prepared);
    return prepared;
  }

  #prepare(columns: readonly string[]): UpdateStatement {
    const { name, primaryKey } = this.#table;
    this.#check(columns);
    const changed = columns.filter((column) => !primaryKey.includes(column));
    const order = [...changed, ...primaryKey].map((column) => columns.indexOf(column));
    if (changed.length === 0) return { statement: undefined, order };
    const equal = (column: string) => `${quote(column)} = ?`;
    const sql = `UPDATE ${quote(name)} SET ${changed.map(equal).join(', ')} WHERE ${primaryKey.map(equal).join(' AND ')}`;
    return { statement: this.#db.prepare(sql), order };
  }

  #check(columns: readonly string[]): void {
    const { name, primaryKey } = this.#table;
    if (primaryKey.length === 0)
      throw new MillraceError('MILL_INVALID_EFFECT', `table ${name}: expected a primary key to update by, found none`);
    const stranger = columns.find((column) => !Object.hasOwn(this.#table.columns, column));
    if (stranger !== undefined) {
      throw new MillraceError('MILL_INVALID_EFFECT', `table ${name}: expected columns of the table, found ${JSON.stringify(stranger)}`);
    }
    const missing = primaryKey.find((column) => !columns.includes(column));
    if (missing === undefined) return;
    throw new MillraceError('MILL_INVALID_EFFECT', `table ${name}: expected an update to name the whole primary key, found no ${missing}`);
  }
}
