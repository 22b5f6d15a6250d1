import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Hold, KeyUpdate, Release, TimerWrite } from '../store.ts';
import { tablesOf } from './pipeline-tables.ts';

/** Writes what is kept by key in one pipeline: its record, its held events, its timers. One statement for each. */
export class PartitionKeys {
  readonly #hold: StatementSync;
  readonly #release: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #arm: StatementSync;
  readonly #disarm: StatementSync;

  constructor(db: DatabaseSync, pipeline: string) {
    const { keys, held, timers } = tablesOf(pipeline);
    this.#hold = db.prepare(`INSERT OR REPLACE INTO ${held} VALUES (?, ?, ?, ?, ?)`);
    this.#release = db.prepare(`DELETE FROM ${held} WHERE key = ? AND "order" BETWEEN ? AND ?`);
    this.#put = db.prepare(`INSERT OR REPLACE INTO ${keys} VALUES (?, ?, ?, ?, ?)`);
    this.#delete = db.prepare(`DELETE FROM ${keys} WHERE key = ?`);
    this.#arm = db.prepare(`INSERT OR REPLACE INTO ${timers} VALUES (?, ?, ?, ?, ?, ?)`);
    this.#disarm = db.prepare(`DELETE FROM ${timers} WHERE key = ? AND name = ?`);
  }

  hold({ key, order, position, attempts, retryAt }: Hold): void {
    this.#hold.run(key, order, position, attempts, retryAt);
  }

  release({ key, from, to }: Release): void {
    this.#release.run(key, from, to);
  }

  /** A record that says nothing is the same as none. */
  update({ key, state, next, parked }: KeyUpdate): void {
    if (state === null && next === null && !parked) this.#delete.run(key);
    else this.#put.run(key, state?.json ?? null, state?.version ?? null, next, parked ? 1 : 0);
  }

  writeTimer({ key, name, timer }: TimerWrite): void {
    if (timer === null) this.#disarm.run(key, name);
    else this.#arm.run(key, name, timer.dueAt, timer.data, timer.attempts, timer.retryAt);
  }
}
