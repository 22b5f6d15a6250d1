import type { DatabaseSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';
import { toStoreError } from '../../node-sqlite/sqlite-errors.ts';

/** How long the write ahead log is, and how much of it is in the database already, in frames, each of which is a page. */
export interface WalExtent {
  readonly frames: number;
  readonly copied: number;
}

/** What came of a copy: all of the log is in the database; a reader still needs some of it; or it failed, since another connection has a lock perhaps. */
export type CopyOutcome = 'copied' | 'held' | 'failed';

type Checkpoint = [busy: number, frames: number, copied: number];

/** The write ahead log of a database, by a connection that is in no transaction. */
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
   * Whether another connection may copy while the writer commits: from version 3.51.3 on. In older ones that may damage the
   * database (https://sqlite.org/wal.html#walresetbug), and those before 3.51 cannot tell the extent without copying.
   */
  static mayBeCopiedBeside(db: DatabaseSync): boolean {
    const [version] = new Select<[string]>(db, 'SELECT sqlite_version()').get() ?? [''];
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
    return major * 1_000_000 + minor * 1_000 + patch >= 3_051_003;
  }

  /** Told in a microsecond. Nothing when it cannot be told, which is a failure like that of a copy. */
  get extent(): WalExtent {
    const [, frames, copied] = this.#ask(this.#look) ?? [0, 0, 0];
    return { frames, copied };
  }

  /**
   * Copies to the database what is committed and no reader still needs to find in the log, waits for nobody and keeps nobody
   * waiting. It does nothing while another connection copies.
   *
   * A failure is a warning on stderr, once until it mends, and no more: what was committed stays in the log, which
   * grows until a later copy succeeds, or a commit fails of the same.
   */
  copy(): CopyOutcome {
    return this.#outcome(this.#copy);
  }

  /**
   * Copies all of the log and cuts it back to nothing. Does no more than {@link copy} while anybody reads from the log or
   * another program writes. To be asked by the writer's connection, which waits for nobody.
   */
  empty(): CopyOutcome {
    return this.#outcome(this.#empty);
  }

  /**
   * To be called before the writer's connection is closed: empties the log. SQLite does so by itself, but not for a file that
   * was moved, of which the log would stay behind.
   */
  close(): void {
    try {
      this.#empty.get();
    } catch {
      // As with SQLite's own attempt: what is committed stays in the log, where the next owner finds it.
    }
  }

  /** SQLite tells no extent while another connection copies. Where it does, only a reader keeps it from copying all. */
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
