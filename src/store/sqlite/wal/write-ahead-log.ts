import type { DatabaseSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';
import { toStoreError } from '../../node-sqlite/sqlite-errors.ts';

/** The length of the write-ahead log, and how much of it is already in the database, in frames of one page each. */
export interface WalExtent {
  readonly frames: number;
  readonly copied: number;
}

/**
 * The result of a copy: the whole log is in the database; a reader still needs part of it; or it failed, perhaps because another connection
 * has a lock.
 */
export type CopyOutcome = 'copied' | 'held' | 'failed';

type Checkpoint = [busy: number, frames: number, copied: number];

/** The write-ahead log of a database, through a connection that is not in a transaction. */
export class WriteAheadLog {
  readonly #path: string;
  readonly #look: Select<Checkpoint>;
  readonly #copy: Select<Checkpoint>;
  readonly #empty: Select<Checkpoint>;
  #isFailing = false;

  constructor(db: DatabaseSync, path: string) {
    this.#path = path;
    this.#look = new Select(db, 'PRAGMA wal_checkpoint(NOOP)');
    this.#copy = new Select(db, 'PRAGMA wal_checkpoint(PASSIVE)');
    this.#empty = new Select(db, 'PRAGMA wal_checkpoint(TRUNCATE)');
  }

  /**
   * Returns whether another connection may copy while the writer commits: from version 3.51.3 on. In older ones that may damage the
   * database (https://sqlite.org/wal.html#walresetbug), and those before 3.51 cannot tell the extent without copying.
   */
  static mayBeCopiedBeside(db: DatabaseSync): boolean {
    const [version] = new Select<[string]>(db, 'SELECT sqlite_version()').get() ?? [''];
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
    return major * 1_000_000 + minor * 1_000 + patch >= 3_051_003;
  }

  /** Takes a microsecond. Zero if unknown, which is a failure like that of a copy. */
  get extent(): WalExtent {
    const [, frames, copied] = this.#ask(this.#look) ?? [0, 0, 0];
    return { frames, copied };
  }

  /**
   * Copies committed pages that no reader still needs in the log to the database, without waiting for anybody or making anybody wait. Does
   * nothing while another connection copies.
   *
   * A failure is only a warning on stderr, repeated once it has recovered: committed data stays in the log, which grows until a later copy
   * succeeds, or a commit fails for the same reason.
   *
   */
  copy(): CopyOutcome {
    return this.#outcome(this.#copy);
  }

  /**
   * Copies the whole log and truncates it. Does no more than {@link copy} while anybody reads from the log or another program writes. Call
   * it on the writer's connection, which waits for nobody.
   */
  empty(): CopyOutcome {
    return this.#outcome(this.#empty);
  }

  /**
   * Call it before the writer's connection is closed: empties the log. SQLite does so by itself, but not for a file that was moved, whose
   * log would stay behind.
   */
  close(): void {
    try {
      this.#empty.get();
    } catch {
      // As with SQLite's own attempt: committed data stays in the log, where the next owner finds it.
    }
  }

  /** SQLite reports no extent while another connection copies. If it does report one, only a reader prevents a full copy. */
  #outcome(question: Select<Checkpoint>): CopyOutcome {
    const [busy, frames, copied] = this.#ask(question) ?? [1, -1, -1];
    if (copied < frames) return 'held';
    return busy === 0 ? 'copied' : 'failed';
  }

  #ask(question: Select<Checkpoint>): Checkpoint | undefined {
    try {
      const answer = question.get();
      this.#isFailing = false;
      return answer;
    } catch (error) {
      if (!this.#isFailing) process.emitWarning(toStoreError(error, this.#path));
      this.#isFailing = true;
      return undefined;
    }
  }
}
