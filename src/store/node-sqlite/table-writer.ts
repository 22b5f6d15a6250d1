import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { MillraceError, messageOf } from '../../errors.ts';
import type { Table } from '../../pipeline/table.ts';
import type { RowWrite } from '../store.ts';
import { addStatement, putStatement } from '../tables/write-statements.ts';
import { RowUpdate } from './row-update.ts';
import { toStoreError } from './sqlite-errors.ts';

interface TableStatements {
  readonly put: StatementSync;
  readonly add: StatementSync;
  readonly update: RowUpdate;
}

/** Writes rows to declared tables, with statements that are prepared once. */
export class TableWriter {
  readonly #location: string;
  readonly #statements = new Map<string, TableStatements>();

  constructor(db: DatabaseSync, tables: readonly Table[]) {
    this.#location = db.location() ?? ':memory:';
    for (const table of tables) {
      const update = new RowUpdate(db, table);
      this.#statements.set(table.name, { put: db.prepare(putStatement(table)), add: db.prepare(addStatement(table)), update });
    }
  }

  /**
   * Writes the rows in order. Throws `MILL_INVALID_EFFECT` for an undeclared table, or an update of impossible columns, and
   * `MILL_COMMIT_REFUSED` when a constraint or trigger of the database refuses a row; earlier rows are then written, and the caller rolls
   * back.
   */
  write(write: RowWrite): void {
    const statements = this.#statements.get(write.table);
    if (statements === undefined) {
      throw new MillraceError('MILL_INVALID_EFFECT', `expected a declared table, found ${JSON.stringify(write.table)}`);
    }
    try {
      if (write.write === 'update') statements.update.run(write.columns, write.rows);
      else for (const row of write.rows) statements[write.write].run(...row);
    } catch (error) {
      throw this.#refusal(error, write.table);
    }
  }

  #refusal(thrown: unknown, table: string): MillraceError {
    const error = toStoreError(thrown, this.#location);
    // A fault of neither the disk nor a lock is the row's.
    if (error.code !== 'MILL_INTERNAL') return error;
    return new MillraceError('MILL_COMMIT_REFUSED', `table ${table}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
