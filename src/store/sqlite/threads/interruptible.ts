import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../../errors.ts';
import { Select } from '../../node-sqlite/select.ts';
import { quote } from '../../tables/sql-text.ts';

/** Shared by a reader and whoever may interrupt it: the number of the statement to end. */
export type Interrupt = Int32Array;

export function newInterrupt(): Interrupt {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

const goOn = 'millrace_go_on';

/** The tables, each with a column contained in all of its indexes: the row id, or the first column of the primary key. */
const tablesSql = `SELECT name, CASE WHEN wr THEN (SELECT '"' || replace(name, '"', '""') || '"' FROM pragma_table_info(list.name) WHERE pk = 1) ELSE '_rowid_' END
  FROM pragma_table_list AS list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`;

/**
 * A connection whose running statements can be ended from another thread. `node:sqlite` has no `sqlite3_interrupt`, but a function of ours
 * may throw. So each table is covered by a temporary view of the same name, `SELECT * … WHERE millrace_go_on(…)`. SQLite flattens such a
 * view, keeps using the table's indexes, and evaluates that condition first, once for each row it looks at, which takes some 200 ns.
 * Without a column argument it would be evaluated only in the outermost loop of a join.
 *
 * Statements that look at no table rows are not ended: a sort, or a recursion without a table.
 */
export class Interruptible {
  readonly db: DatabaseSync;
  readonly #interrupt: Interrupt;
  /** The number of the running statement. */
  #running = 0;

  /** @param db a dedicated connection, which may not write */
  constructor(db: DatabaseSync, interrupt: Interrupt) {
    this.db = db;
    this.#interrupt = interrupt;
    db.function(goOn, (_row) => this.#goOn());
    for (const [table, column] of new Select<[table: string, column: string]>(db, tablesSql).all()) {
      db.exec(`CREATE TEMP VIEW ${quote(table)} AS SELECT * FROM main.${quote(table)} WHERE ${goOn}(${column} IS 0)`);
    }
  }

  /** Runs statements under a unique number. They throw `MILL_READ_CANCELLED` once the interrupt has that number. */
  run<T>(number: number, work: () => T): T {
    this.#running = number;
    return work();
  }

  #goOn(): 1 {
    if (Atomics.load(this.#interrupt, 0) !== this.#running) return 1;
    throw new MillraceError('MILL_READ_CANCELLED', 'query: ended, because it took too long or nobody waits for it');
  }
}
