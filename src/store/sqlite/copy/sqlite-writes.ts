import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../../errors.ts';
import { blocksOf, headOf } from '../../copy/block-lines.ts';
import type { BegunCopy } from '../../copy/copy-ends.ts';
import { type CopiedRow, type CopiedValue, type CopyPart, cellOf, columnsOfKind, storedLetter } from '../../copy/copy-part.ts';
import { copying } from '../../copy/unfinished-copy.ts';
import { Select } from '../../node-sqlite/select.ts';
import { quote, quoteAll } from '../../tables/sql-text.ts';
import { ChosenIds } from '../partition/chosen-ids.ts';
import { tablesOf } from '../schema/pipeline-tables.ts';
import { schemaVersion } from '../schema/schema.ts';

type Insert = (row: CopiedRow) => void;

/** Writes the rows of a copy, and records its progress. A file has one slice. */
export class SqliteWrites {
  readonly #db: DatabaseSync;
  readonly #name: string;
  /** Statements for the rows of the part under way. */
  #present: { readonly part: CopyPart; readonly insert: Insert } | undefined;

  constructor(db: DatabaseSync, name: string) {
    this.#db = db;
    this.#name = name;
  }

  begun(): BegunCopy | undefined {
    const [fingerprint] = new Select<[string]>(this.#db, "SELECT value FROM millrace_meta WHERE name = 'copy'").get() ?? [];
    if (fingerprint === undefined) return undefined;
    return {
      fingerprint,
      done: new Map(new Select<[string, number]>(this.#db, 'SELECT part, done FROM millrace_copy').all()),
      heads: async (pipeline) => {
        const [head] = new Select<[number | null]>(this.#db, `SELECT max(position) FROM ${tablesOf(pipeline).log}`).get() ?? [null];
        return new Map([[0, head ?? 0]]);
      },
    };
  }

  begin(fingerprint: string): void {
    this.#atOnce(() => {
      this.#db.exec('CREATE TABLE millrace_copy (part TEXT NOT NULL PRIMARY KEY, done INTEGER NOT NULL) STRICT, WITHOUT ROWID');
      this.#db.exec('DELETE FROM millrace_state_shapes');
      const meta = this.#db.prepare('INSERT OR REPLACE INTO millrace_meta VALUES (?, ?)');
      meta.run('schema_version', copying);
      meta.run('copy', fingerprint);
    });
  }

  write(part: CopyPart, rows: readonly CopiedRow[], { before, after }: { readonly before: number; readonly after: number }): void {
    this.#atOnce(() => {
      const [done = 0] = new Select<[number]>(this.#db, 'SELECT done FROM millrace_copy WHERE part = ?').get(part.name) ?? [];
      if (done !== before)
        throw new MillraceError('MILL_CONFLICT', `${this.#name}: ${part.name}: expected ${before} rows of the copy, found ${done}`);
      if (this.#present?.part !== part) this.#present = { part, insert: this.#insertOf(part) };
      for (const row of part.kind === 'blocks' ? blocksOf(rows) : rows) this.#present.insert(row);
      if (part.kind === 'log') this.#advance(part.pipeline, rows);
      this.#db.prepare('INSERT OR REPLACE INTO millrace_copy VALUES (?, ?)').run(part.name, after);
    });
  }

  finish(): void {
    this.#atOnce(() => {
      this.#db.exec("DROP TABLE millrace_copy; DELETE FROM millrace_meta WHERE name = 'copy'");
      this.#db.prepare("UPDATE millrace_meta SET value = ? WHERE name = 'schema_version'").run(schemaVersion);
    });
  }

  #insertOf(part: CopyPart): Insert {
    switch (part.kind) {
      case 'rows':
        return this.#plain(quote(part.table.name), Object.keys(part.table.columns));
      case 'log':
        return this.#event(part.pipeline);
      case 'letters': {
        const columns = Object.keys(storedLetter);
        const insert = this.#db.prepare(
          `INSERT INTO millrace_dead_letters (pipeline, slice, ${quoteAll(columns)}) VALUES (?, 0, ${columns.map(() => '?').join(', ')})`,
        );
        return ({ values }) => insert.run(part.pipeline, ...values.slice(0, columns.length));
      }
      case 'ids': {
        const ids = new ChosenIds(this.#db, part.pipeline);
        ids.reload();
        // Each comes once, so none can be a duplicate.
        return ({ values: [id, acceptedAt] }) => void ids.remember(String(id), Number(acceptedAt), Number.MAX_SAFE_INTEGER);
      }
      case 'keys':
      case 'gaps':
      case 'causes':
      case 'deliveries':
        return this.#plain(tablesOf(part.pipeline)[part.kind], Object.keys(columnsOfKind[part.kind]));
      case 'blocks': {
        const insert = this.#db.prepare(
          `INSERT INTO millrace_blocks (pipeline, slice, block, text) VALUES (?1, 0, ?2, ?3 || ?4)
             ON CONFLICT (pipeline, slice, block) DO UPDATE SET text = text || ?4`,
        );
        return ({ place, values: [lines = null] }) => insert.run(part.pipeline, place, headOf(place), lines);
      }
      case 'key_blocks': {
        const insert = this.#db.prepare('INSERT INTO millrace_key_blocks (pipeline, slice, key, block) VALUES (?, 0, ?, ?)');
        return ({ values: [key = null, block = null] }) => insert.run(part.pipeline, key, block);
      }
      case 'audit':
      case 'operations':
      case 'inbox':
      case 'offsets':
      case 'shapes':
      case 'paused':
        return this.#plain(quote(part.name), Object.keys(columnsOfKind[part.kind]));
    }
  }

  #plain(table: string, columns: readonly string[]): Insert {
    const insert = this.#db.prepare(`INSERT INTO ${table} (${quoteAll(columns)}) VALUES (${columns.map(() => '?').join(', ')})`);
    return ({ values }) => insert.run(...values);
  }

  /** Inserts an event at its new position, with its place among the held ones and its dead letters. */
  #event(pipeline: string): Insert {
    const { log, held } = tablesOf(pipeline);
    const insert = this.#db.prepare(`INSERT INTO ${log} VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
    const hold = this.#db.prepare(`INSERT INTO ${held} VALUES (?, ?, ?, ?, ?)`);
    const point = this.#db.prepare('UPDATE millrace_dead_letters SET position = ?, "order" = ? WHERE id = ?');
    return ({ place, values }) => {
      const of = (column: keyof typeof columnsOfKind.log): CopiedValue => cellOf('log', column, values);
      const order = of('number') ?? place;
      insert.run(place, ...values.slice(0, 7));
      const attempts = of('held_attempts');
      if (attempts !== null) hold.run(of('key'), order, place, attempts, of('held_retry_at'));
      for (const letter of JSON.parse(String(of('letters')))) point.run(place, order, letter);
    };
  }

  #advance(pipeline: string, rows: readonly CopiedRow[]): void {
    const settled = rows.findLast(({ values }) => cellOf('log', 'settled', values) === 1);
    if (settled === undefined) return;
    this.#db
      .prepare('INSERT INTO millrace_partitions VALUES (?, 0, 0, ?) ON CONFLICT (pipeline, slice) DO UPDATE SET cursor = excluded.cursor')
      .run(pipeline, settled.place);
  }

  #atOnce(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}
