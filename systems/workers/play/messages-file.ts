import { type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../../src/cli/index.ts';
import { MillraceError } from '../../../src/index.ts';
import { dataBytesMax, type FileMessage, type Row, RowReader } from './file-message.ts';
import { openSnapshot, type Snapshot } from './snapshot.ts';

/** A row, unprocessed. */
export interface SampleRow {
  readonly id: string;
  readonly data: string;
}

const tableName = 'messages_table';
const columns = `CAST(id AS TEXT), typeof(id), typeof(data),
  CASE WHEN typeof(data) IN ('text', 'blob') AND octet_length(data) <= ${dataBytesMax} THEN CAST(data AS BLOB) END,
  octet_length(data)`;

/** The messages of a SQLite file, in id order. The file is read row by row, as of its opening, and never changed. */
export class MessagesFile {
  readonly path: string;
  /** Number of workers. */
  readonly workers: number;
  /** The SQL that created the table. */
  readonly tableSchema: string;
  /** Number of messages. */
  readonly count: number;
  /** The first row; undefined if there is none. */
  readonly sample: SampleRow | undefined;
  readonly #snapshot: Snapshot;
  readonly #reader: RowReader;

  private constructor(path: string, workers: number, snapshot: Snapshot) {
    this.path = path;
    this.workers = workers;
    this.#snapshot = snapshot;
    this.#reader = new RowReader(workers, textOf(snapshot.db, 'PRAGMA encoding') ?? '');
    const schema = textOf(snapshot.db, `SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = '${tableName}' COLLATE NOCASE`);
    if (schema === undefined) throw new Error(`expected a table ${tableName}, found none`);
    this.tableSchema = schema;
    this.count = this.#check();
    const [first] = this.#rows(`SELECT ${columns} FROM ${tableName} ORDER BY id LIMIT 1`);
    this.sample = first && { id: first[0] ?? '', data: this.#reader.textOf(first) };
  }

  /**
   * Opens a file and reads all of it once. Throws `MILL_INVALID_CONFIGURATION` if it cannot be read, is not a database, or contains
   * anything that cannot be played, with the id of the row.
   */
  static open(path: string, workers: number): MessagesFile {
    let snapshot: Snapshot | undefined;
    try {
      const found = statSync(path, { throwIfNoEntry: false });
      if (!found?.isFile()) throw new Error(`expected a file, found ${kindOf(found)}`);
      // A name such as `file:x` or `:memory:` means a file, too.
      snapshot = openSnapshot(resolve(path));
      return new MessagesFile(path, workers, snapshot);
    } catch (error) {
      snapshot?.close();
      throw unusable(path, error);
    }
  }

  /** Returns the messages after a row, or all. */
  after(row: string | undefined): Iterable<FileMessage> {
    if (row === undefined) return this.#messages(`SELECT ${columns} FROM ${tableName} ORDER BY id`);
    return this.#messages(`SELECT ${columns} FROM ${tableName} WHERE id > CAST(? AS INTEGER) ORDER BY id`, row);
  }

  /** Returns the messages up to a row. */
  upTo(row: string): Iterable<FileMessage> {
    return this.#messages(`SELECT ${columns} FROM ${tableName} WHERE id <= CAST(? AS INTEGER) ORDER BY id`, row);
  }

  close(): void {
    this.#snapshot.close();
  }

  /** Reads every message. Returns their number. */
  #check(): number {
    let count = 0;
    let last: string | undefined;
    for (const { row } of this.after(undefined)) {
      if (row === last) throw new Error(`row ${row}: id: expected one row of an id, found two`);
      last = row;
      count += 1;
    }
    // Faults that reading the rows did not show.
    const found = textOf(this.#snapshot.db, `PRAGMA quick_check('${tableName}')`);
    if (found !== undefined && found !== 'ok') throw new Error(`the database file is damaged: ${found}`);
    return count;
  }

  *#messages(sql: string, ...parameters: string[]): Iterable<FileMessage> {
    for (const row of this.#rows(sql, ...parameters)) yield this.#reader.read(row);
  }

  #rows(sql: string, ...parameters: string[]): Iterable<Row> {
    const statement = this.#snapshot.db.prepare(sql);
    statement.setReturnArrays(true);
    const rows: Iterable<unknown> = statement.iterate(...parameters);
    // The SQL selects exactly this type.
    return rows as Iterable<Row>;
  }
}

/** Returns the single text that a statement selects. */
function textOf(db: DatabaseSync, sql: string): string | undefined {
  const [value] = Object.values(db.prepare(sql).get() ?? {});
  return typeof value === 'string' ? value : undefined;
}

function kindOf(found: Stats | undefined): string {
  if (found === undefined) return 'none';
  return found.isDirectory() ? 'a directory' : 'a device, pipe or socket';
}

function unusable(path: string, error: unknown): MillraceError {
  return new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: cannot be played: ${messageOf(error)}`, { cause: error });
}
