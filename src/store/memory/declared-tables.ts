import { DatabaseSync } from 'node:sqlite';
import type { FoundValue, Table } from '../../pipeline/table.ts';
import { migrateTables, selectRows, TableWriter } from '../node-sqlite/tables.ts';
import type { RowWrite } from '../store.ts';

/** The declared tables of a memory store: a SQLite database in memory, so that handlers' rows meet real SQL. */
export class DeclaredTables {
  readonly #database = new DatabaseSync(':memory:');
  #writer = new TableWriter(this.#database, []);

  /** Creates and migrates the tables, all or none. Throws `MILL_TABLE_CHANGED`. */
  declare(tables: readonly Table[]): void {
    migrateTables(this.#database, tables);
    this.#writer = new TableWriter(this.#database, tables);
  }

  /** Writes all the rows or none. Throws `MILL_COMMIT_REFUSED`, and `MILL_INVALID_EFFECT` for a table that is not declared. */
  write(writes: readonly RowWrite[]): void {
    if (writes.length === 0) return;
    this.#database.exec('BEGIN');
    try {
      for (const write of writes) this.#writer.write(write);
      this.#database.exec('COMMIT');
    } catch (thrown) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw thrown;
    }
  }

  /** Throws `MILL_INVALID_REQUEST` for a statement that fails or is not read-only. */
  select(sql: string, parameters: readonly FoundValue[], charactersMax?: number): Record<string, FoundValue>[] {
    return selectRows(this.#database, sql, parameters, charactersMax);
  }
}
