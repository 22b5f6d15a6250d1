import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isBusy } from '../../node-sqlite/sqlite-errors.ts';

/** Interval between retries of a lock held by another program. */
const probeMs = 5;
const sleeping = new Int32Array(new SharedArrayBuffer(4));

/**
 * The right to write, needed by each transaction and possibly held by another program. The first transaction that finds it taken waits up
 * to the limit. After that the lock is known to be held, and every later one tries once and fails at once, until one succeeds: then the
 * other program has released it.
 */
export class WriteLock {
  readonly #begin: StatementSync;
  readonly #busyTimeoutMs: number;
  #isKnownHeld = false;

  /** The connection itself waits for no lock from here on. */
  constructor(db: DatabaseSync, busyTimeoutMs: number) {
    db.exec('PRAGMA busy_timeout = 0');
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  /** Begins a transaction. Throws what SQLite throws. */
  begin(): void {
    const until = performance.now() + (this.#isKnownHeld ? 0 : this.#busyTimeoutMs);
    while (!this.#tryBegin(until)) Atomics.wait(sleeping, 0, 0, probeMs);
  }

  #tryBegin(until: number): boolean {
    try {
      this.#begin.run();
      this.#isKnownHeld = false;
      return true;
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() < until) return false;
      this.#isKnownHeld = true;
      throw error;
    }
  }
}
