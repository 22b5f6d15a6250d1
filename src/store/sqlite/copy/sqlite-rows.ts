import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as breathe } from 'node:timers/promises';
import type { TakeRows } from '../../copy/copy-ends.ts';
import type { CopiedRow, CopiedValue, CopyPart } from '../../copy/copy-part.ts';
import { selectOf } from '../../copy/part-select.ts';
import { Select } from '../../node-sqlite/select.ts';
import { pipelinesOf } from '../schema/pipeline-tables.ts';
import { partDialect } from './sqlite-selects.ts';

/** Maximum rows taken together, and UTF-16 units of their texts that are enough. */
const rowsMax = 2_000;
const charactersMax = 4 * 1024 * 1024;

/** Reads parts of a database. */
export class SqliteRows {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  pipelines(): readonly string[] {
    return pipelinesOf(this.#db);
  }

  tables(): readonly string[] {
    const found = new Select<[string]>(
      this.#db,
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'millrace\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
       ORDER BY name`,
    );
    return found.all().map(([name]) => name);
  }

  count(part: CopyPart): number {
    const { from, counted } = selectOf(part, partDialect);
    return new Select<[number]>(this.#db, counted ?? `SELECT count(*) FROM ${from}`).get()?.[0] ?? 0;
  }

  /** Yields to the rest of the process between two batches. */
  async read(part: CopyPart, from: number, take: TakeRows): Promise<void> {
    const { columns, order, ...select } = selectOf(part, partDialect);
    const statement = this.#db.prepare(`SELECT ${columns} FROM ${select.from} ORDER BY ${order} LIMIT -1 OFFSET ${from}`);
    statement.setReturnArrays(true);
    statement.setReadBigInts(true);
    let rows: CopiedRow[] = [];
    let characters = 0;
    for (const row of statement.iterate() as Iterable<unknown> as Iterable<CopiedValue[]>) {
      const [slice, place, ...values] = row;
      rows.push({ slice: Number(slice), place: Number(place), values: values.map(exact) });
      for (const value of values) if (typeof value === 'string') characters += value.length;
      if (rows.length < rowsMax && characters < charactersMax) continue;
      await take(rows);
      await breathe();
      rows = [];
      characters = 0;
    }
    if (rows.length > 0) await take(rows);
  }
}

/** Returns a number, unless that would round it. */
function exact(value: CopiedValue): CopiedValue {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
