import { MillraceError } from '../../../errors.ts';
import type { SqlValue, Table } from '../../../pipeline/table.ts';
import type { RowWrite } from '../../store.ts';
import { updateStatement } from '../../tables/write-statements.ts';
import type { Flight } from '../connection/flight.ts';
import type { DeclaredStatements } from '../statements.ts';
import type { Batch, Declared, SqlRow } from './batch.ts';
import { lastOfEach } from './segments.ts';

/** Writes rows of declared tables. */
export class DeclaredRows {
  readonly #statements: DeclaredStatements;
  readonly #declared: ReadonlyMap<string, Declared>;

  constructor(statements: DeclaredStatements, tables: readonly Declared[]) {
    this.#statements = statements;
    this.#declared = new Map(tables.map((declared) => [declared.table.name, declared]));
  }

  /** Throws `MILL_INVALID_EFFECT` for an undeclared table, or an update of impossible columns. */
  check(writes: readonly RowWrite[]): void {
    for (const write of writes) {
      const { table } = this.#declaredOf(write.table);
      if (write.write === 'update') updateStatement(table, write.columns);
    }
  }

  /** Adds the statements to a flight, in the order of the writes; consecutive writes of one kind to one table are combined. */
  add(flight: Flight, writes: readonly RowWrite[]): void {
    const batches: (Batch & { readonly rows: SqlRow[] })[] = [];
    const latest = new Map<string, (typeof batches)[number]>();
    for (const write of writes) {
      const declared = this.#declaredOf(write.table);
      const columns = write.write === 'update' ? write.columns : Object.keys(declared.table.columns);
      const last = latest.get(write.table);
      if (last?.write === write.write && last.columns.join() === columns.join()) last.rows.push(...write.rows);
      else {
        const batch = { declared, write: write.write, columns, rows: [...write.rows] };
        batches.push(batch);
        latest.set(write.table, batch);
      }
    }
    for (const batch of batches) {
      const rows = rowsOnce(batch);
      if (rows.length > 0) for (const statement of this.#statements.write({ ...batch, rows })) flight.add(statement);
    }
  }

  /** Returns the column of the rows that the database refused, if it can be determined. */
  columnAtFault(name: string, writes: readonly RowWrite[]): string | undefined {
    const json = this.#declared.get(name)?.columns.filter(({ json }) => json) ?? [];
    for (const write of writes) {
      if (write.table !== name) continue;
      const columns = write.write === 'update' ? write.columns : Object.keys(this.#declaredOf(name).table.columns);
      const wrong = json.find((column) => write.rows.some((row) => !isJson(row[columns.indexOf(column.name)] ?? null)));
      if (wrong !== undefined) return wrong.name;
    }
    return undefined;
  }

  /** Describes rows with a value too long for an index: the probable column, and the limit. */
  tooLong(name: string, writes: readonly RowWrite[]): string {
    const { table, columns } = this.#declaredOf(name);
    const { type, limit } = this.#statements.indexedText;
    const texts = new Set(columns.filter((column) => type.test(column.type)).map((column) => column.name));
    const indexed = Array.from(new Set([...table.primaryKey, ...table.indexes.flat()])).filter((column) => texts.has(column));
    const lengths = indexed.map((column) => ({ column, bytes: longestOf(column, table, writes) }));
    const { column = '', bytes = 0 } = lengths.toSorted((a, b) => b.bytes - a.bytes)[0] ?? {};
    return `column ${column}: expected a text that an index takes, of at most ${limit}, found one of ${bytes}`;
  }

  #declaredOf(name: string): Declared {
    const declared = this.#declared.get(name);
    if (declared !== undefined) return declared;
    throw new MillraceError('MILL_INVALID_EFFECT', `expected a declared table, found ${JSON.stringify(name)}`);
  }
}

function longestOf(column: string, table: Table, writes: readonly RowWrite[]): number {
  const lengths = writes.flatMap((write) => {
    if (write.table !== table.name) return [];
    const at = (write.write === 'update' ? write.columns : Object.keys(table.columns)).indexOf(column);
    return write.rows.map((row) => Buffer.byteLength(String(row[at] ?? '')));
  });
  return lengths.reduce((most, length) => Math.max(most, length), 0);
}

function isJson(value: SqlValue): boolean {
  if (value === null) return true;
  try {
    JSON.parse(String(value));
    return true;
  } catch {
    return false;
  }
}

/** A statement cannot write a row twice, so one row per key remains. */
function rowsOnce({ declared: { table }, write, columns, rows }: Batch): readonly SqlRow[] {
  const places = table.primaryKey.map((column) => columns.indexOf(column));
  if (places.length === 0) return rows;
  const keyOf = (row: SqlRow) => JSON.stringify(places.map((at) => String(row[at])));
  // Adding keeps an existing row, so the first row of a key counts; otherwise the last does.
  return write === 'add' ? lastOfEach(rows.toReversed(), keyOf).toReversed() : lastOfEach(rows, keyOf);
}
