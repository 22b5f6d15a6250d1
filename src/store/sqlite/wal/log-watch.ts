import { statSync } from 'node:fs';
import type { StoreLogger } from '../../store.ts';
import { walBytesKept } from '../file/open-database.ts';
import { describeLogReaders } from './log-readers.ts';

/** A log of this size is far beyond its limit. */
const warnBytes = 2 * walBytesKept;

/** Returns the size of a database's write-ahead log on disk. */
export function logBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** Warns once of a write-ahead log that a reader keeps growing, and then reports when it is over. */
export class LogWatch {
  readonly #path: string;
  readonly #log: StoreLogger;
  #hasWarned = false;

  constructor(path: string, log: StoreLogger) {
    this.#path = path;
    this.#log = log;
  }

  /** Call it when a reader still needs part of the log. */
  held(): void {
    if (this.#hasWarned) return;
    const bytes = logBytes(this.#path);
    if (bytes < warnBytes) return;
    this.#hasWarned = true;
    const reader = describeLogReaders(this.#path) ?? 'a program that has this database open, found by lsof or fuser,';
    this.#log.warn(
      { file: `${this.#path}-wal`, bytes },
      `the write-ahead log grows, because a reader keeps a transaction open: ${reader}; end it before the disk fills up`,
    );
  }

  /** Call it when the log restarts from its beginning. */
  startedAnew(): void {
    if (!this.#hasWarned) return;
    this.#hasWarned = false;
    this.#log.info({ file: `${this.#path}-wal` }, 'the write-ahead log is short again: no reader keeps it growing');
  }
}
