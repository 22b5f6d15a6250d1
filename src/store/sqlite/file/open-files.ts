import { type Stats, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../../errors.ts';
import { Select } from '../../node-sqlite/select.ts';

const suffixes = ['', '-wal', '-shm', '-owner'] as const;
type Suffix = (typeof suffixes)[number];
type Found = Readonly<Record<Suffix, Stats | undefined>>;

/** Distinguishes a database from its state before a start or a commit of turns, and from another one. */
const contentsSql = `SELECT page_count || ' ' || freelist_count || ' ' || schema_version || ' ' ||
    (SELECT ifnull(group_concat(pipeline || ' ' || slice || ' ' || epoch || ' ' || cursor), '') FROM millrace_partitions)
  FROM pragma_page_count, pragma_freelist_count, pragma_schema_version`;

/** Lifetime of a check, in milliseconds. */
export const checkedForMs = 10;

/** The files at a moment when the whole log was in the database. */
interface Rest {
  readonly database: Stats | undefined;
  readonly log: Stats | undefined;
  readonly contents: string | undefined;
}

/**
 * Detects when a file of an open database is moved, deleted, replaced or overwritten: SQLite would continue in the file it has open, which
 * nobody finds at the path any more, or mix cached data with what it finds. Create it once the files exist, with their real path. Looks
 * only at names, see `OwnerLock`.
 */
export class OpenFiles {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #first: Found;
  #rest: Rest | undefined;
  /** By `performance.now`. */
  #checkedAt = Number.NEGATIVE_INFINITY;

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
    this.#first = this.#look();
  }

  /**
   * Throws `MILL_STORE_MOVED` if a file is not what it was. Call it before each commit. During rapid commits it looks only occasionally:
   * while threads write to the files, a look takes as long as a tenth of a commit.
   */
  check(): void {
    const now = performance.now();
    if (now - this.#checkedAt < checkedForMs) return;
    const found = this.#look();
    for (const suffix of suffixes) {
      const [present, then] = [found[suffix], this.#first[suffix]];
      if (present?.ino === then?.ino && present?.dev === then?.dev) continue;
      const what = suffix === '' ? 'the database file' : `${this.#path}${suffix}`;
      throw this.#error(`${what} ${present === undefined ? 'was moved or deleted' : 'was replaced by another file'}`);
    }
    if (this.#rest !== undefined) this.#checkRest(found, this.#rest);
    this.#checkedAt = now;
  }

  /** Call it when the whole log is in the database and the log is empty. */
  rest(): void {
    const { '': database, '-wal': log } = this.#look();
    this.#rest = { database, log, contents: contentsOf(this.#db) };
  }

  /** SQL writes go to the log first. While the log is unchanged, the file must be too. */
  #checkRest({ '': database, '-wal': log }: Found, rest: Rest): void {
    if (!isSame(log, rest.log)) this.#rest = undefined;
    else if (!isSame(database, rest.database)) {
      // A file's time may change for other reasons.
      if (this.#contentsInFile() !== rest.contents) throw this.#error('the database file was overwritten');
      this.#rest = { ...rest, database };
    }
  }

  /** Uses its own connection, without a cache. */
  #contentsInFile(): string | undefined {
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(this.#path, { readOnly: true });
      return contentsOf(db);
    } catch {
      // It is no longer our database.
      return undefined;
    } finally {
      db?.close();
    }
  }

  #look(): Found {
    const at = (suffix: Suffix) => statSync(`${this.#path}${suffix}`, { throwIfNoEntry: false });
    return { '': at(''), '-wal': at('-wal'), '-shm': at('-shm'), '-owner': at('-owner') };
  }

  #error(fault: string): MillraceError {
    return new MillraceError('MILL_STORE_MOVED', `${this.#path}: ${fault} while it was open`);
  }
}

function isSame(now: Stats | undefined, then: Stats | undefined): boolean {
  return now?.size === then?.size && now?.mtimeMs === then?.mtimeMs;
}

function contentsOf(db: DatabaseSync): string | undefined {
  return new Select<[string]>(db, contentsSql).get()?.[0];
}
