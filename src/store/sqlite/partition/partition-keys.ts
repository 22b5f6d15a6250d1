import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { tablesOf } from '../schema/pipeline-tables.ts';
import type { CauseWriteRow, GapWriteRow, HoldRow, KeyUpdateRow, ReleaseRow } from './rows.ts';

/** Writes one pipeline's data by key: its record, held events, timers and outcomes, with one statement for each. */
export class PartitionKeys {
  readonly #hold: StatementSync;
  readonly #release: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #noteGap: StatementSync;
  readonly #moveGap: StatementSync;
  readonly #forgetGap: StatementSync;
  readonly #arm: StatementSync;
  readonly #disarm: StatementSync;

  constructor(db: DatabaseSync, pipeline: string) {
    const { keys, held, gaps, causes } = tablesOf(pipeline);
    this.#hold = db.prepare(`INSERT OR REPLACE INTO ${held} VALUES (?, ?, ?, ?, ?)`);
    this.#release = db.prepare(`DELETE FROM ${held} WHERE key = ? AND "order" BETWEEN ? AND ?`);
    this.#put = db.prepare(`INSERT OR REPLACE INTO ${keys} VALUES (?, ?, ?, ?, ?, ?)`);
    this.#delete = db.prepare(`DELETE FROM ${keys} WHERE key = ?`);
    this.#noteGap = db.prepare(`INSERT OR IGNORE INTO ${gaps} VALUES (?, ?, ?, ?)`);
    this.#moveGap = db.prepare(`UPDATE ${gaps} SET next = ?2, "first" = ?3, since = ?4 WHERE key = ?1`);
    this.#forgetGap = db.prepare(`DELETE FROM ${gaps} WHERE key = ?`);
    this.#arm = db.prepare(`INSERT OR REPLACE INTO ${causes} VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#disarm = db.prepare(`DELETE FROM ${causes} WHERE key = ? AND kind = ? AND name = ? AND id = ?`);
  }

  hold(row: HoldRow): void {
    this.#hold.run(...row);
  }

  release(row: ReleaseRow): void {
    this.#release.run(...row);
  }

  /** An empty record is the same as none. */
  update(row: KeyUpdateRow): void {
    const [key, state, , next, parked] = row;
    if (state === null && next === null && parked === 0) this.#delete.run(key);
    else this.#put.run(...row);
  }

  /** Returns the change in the number of gaps. */
  writeGap([key, next, first, since]: GapWriteRow): number {
    if (since === null) return -Number(this.#forgetGap.run(key).changes);
    if (Number(this.#noteGap.run(key, next, first, since).changes) === 1) return 1;
    this.#moveGap.run(key, next, first, since);
    return 0;
  }

  writeCause(row: CauseWriteRow): void {
    const [key, kind, name, id, dueAt] = row;
    if (dueAt === null) this.#disarm.run(key, kind, name, id);
    else this.#arm.run(...row);
  }
}
