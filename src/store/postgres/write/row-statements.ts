import { MillraceError } from '../../../errors.ts';
import type { SqlValue, Table } from '../../../pipeline/table.ts';
import type { RowWrite } from '../../store.ts';
import type { DeclaredColumn } from '../../tables/sql-columns.ts';
import { quote, quoteAll } from '../../tables/sql-text.ts';
import { updateStatement } from '../../tables/write-statements.ts';
import { texts } from '../connection/binary-arrays.ts';
import type { Flight } from '../connection/flight.ts';
import { asOfOne } from '../connection/lookups.ts';
import type { Statement } from '../connection/statement.ts';
import { columnsOf } from '../schema/declared-tables.ts';
import { lastOfEach } from './segments.ts';

type SqlRow = readonly SqlValue[];

interface Declared {
  readonly table: Table;
  readonly columns: readonly DeclaredColumn[];
}

/** Rows that one statement writes: those of writes of one kind, to one table, that follow each other. */
interface Batch {
  readonly declared: Declared;
  readonly write: RowWrite['write'];
  /** Those that its rows have values for. */
  readonly columns: readonly string[];
  readonly rows: SqlRow[];
}

/** Writes rows of declared tables. */
export class RowStatements {
  readonly #declared: ReadonlyMap<string, Declared>;

  constructor(tables: readonly Table[]) {
    this.#declared = new Map(tables.map((table) => [table.name, { table, columns: columnsOf(table) }]));
  }

  /** Throws `MILL_INVALID_EFFECT` for a table that is not declared, or an update of columns that it cannot be of. */
  check(writes: readonly RowWrite[]): void {
    for (const write of writes) {
      const { table } = this.#declaredOf(write.table);
      if (write.write === 'update') updateStatement(table, write.columns);
    }
  }

  /** Adds the statements to a flight, in the order of the writes; of writes to one table those of one kind go together. */
  add(flight: Flight, writes: readonly RowWrite[]): void {
    const batches: Batch[] = [];
    const latest = new Map<string, Batch>();
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
      const statement = statementOf(batch);
      if (statement !== undefined) flight.add(statement);
    }
  }

  /** The message for rows that the database refused, with the column where it can be told. */
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

  /** What to say of rows with a value that is too long for an index: which one it may be, and what to keep to. */
  tooLong(name: string, writes: readonly RowWrite[]): string {
    const { table, columns } = this.#declaredOf(name);
    const texts = new Set(columns.filter(({ type }) => type === 'text').map((column) => column.name));
    const indexed = Array.from(new Set([...table.primaryKey, ...table.indexes.flat()])).filter((column) => texts.has(column));
    const lengths = indexed.map((column) => ({ column, bytes: longestOf(column, table, writes) }));
    const { column = '', bytes = 0 } = lengths.toSorted((a, b) => b.bytes - a.bytes)[0] ?? {};
    return `column ${column}: expected a text that an index takes, of at most about 2,700 bytes, found one of ${bytes}`;
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

/** Undefined where nothing changes. A statement cannot write a row twice, so of rows of one key one is left. */
function statementOf(batch: Batch): Statement | undefined {
  const { declared, write, columns } = batch;
  const { table } = declared;
  if (batch.rows.length === 0) return undefined;
  const places = table.primaryKey.map((column) => columns.indexOf(column));
  const keyOf = (row: SqlRow) => JSON.stringify(places.map((at) => String(row[at])));
  // What is added keeps what is there, so the first of a key counts; the others are last words.
  const rows = places.length === 0 ? batch.rows : lastOfEach(write === 'add' ? batch.rows.toReversed() : batch.rows, keyOf);
  const ordered = write === 'add' && places.length > 0 ? rows.toReversed() : rows;
  const text = write === 'update' ? updateText(declared, columns) : insertText(declared, write);
  if (text === undefined) return undefined;
  const values = columns.map((_, at) => texts(ordered.map((row) => toText(row[at] ?? null))));
  return { text, values, table: table.name };
}

function toText(value: SqlValue): string | null {
  return value === null ? null : String(value);
}

/** Values come as texts, and become what the column is. */
function source(
  { columns: declared }: Declared,
  columns: readonly string[],
): { readonly selected: readonly string[]; readonly from: string } {
  const selected = columns.map((name, at) => {
    const type = declared.find((column) => column.name === name)?.type ?? 'text';
    return `new.c${at}${type === 'text' ? '' : `::${type}`}`;
  });
  const arrays = columns.map((_, at) => `$${at + 1}::text[]`).join(', ');
  return { selected, from: `unnest(${arrays}) AS new (${columns.map((_, at) => `c${at}`).join(', ')})` };
}

function insertText(declared: Declared, write: 'put' | 'add'): string {
  const { name, primaryKey, columns } = declared.table;
  const all = Object.keys(columns);
  const { selected, from } = source(declared, all);
  const insert = `INSERT INTO ${quote(name)} (${quoteAll(all)}) SELECT ${selected.join(', ')} FROM ${from}`;
  if (primaryKey.length === 0) return insert;
  const changed = all.filter((column) => !primaryKey.includes(column)).map((column) => `${quote(column)} = excluded.${quote(column)}`);
  const conflict = write === 'add' || changed.length === 0 ? 'NOTHING' : `UPDATE SET ${changed.join(', ')}`;
  return `${insert} ON CONFLICT (${quoteAll(primaryKey)}) DO ${conflict}`;
}

function updateText(declared: Declared, columns: readonly string[]): string | undefined {
  const { name, primaryKey } = declared.table;
  const { selected, from } = source(declared, columns);
  const selectedOf = (column: string) => selected[columns.indexOf(column)];
  const changed = columns.filter((column) => !primaryKey.includes(column)).map((column) => `${quote(column)} = ${selectedOf(column)}`);
  if (changed.length === 0) return undefined;
  const isSame = primaryKey.map((column) => `present.${quote(column)} = ${selectedOf(column)}`);
  const firstKey = `new.c${columns.indexOf(primaryKey[0] as string)}`;
  return `UPDATE ${quote(name)} AS present SET ${changed.join(', ')} FROM ${from} WHERE ${isSame.join(' AND ')} AND ${asOfOne(firstKey, "|| ''")}`;
}
