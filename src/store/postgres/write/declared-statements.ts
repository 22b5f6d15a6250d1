import type { Statement } from '../../sql/connection/statement.ts';
import type { DeclaredStatements } from '../../sql/statements.ts';
import type { Batch, Declared } from '../../sql/write/batch.ts';
import type { DeclaredColumn } from '../../tables/sql-columns.ts';
import { quote, quoteAll } from '../../tables/sql-text.ts';
import { texts } from '../connection/binary-arrays.ts';
import { asOfOne } from '../connection/lookups.ts';
import { momentText } from '../connection/moments.ts';

export const declaredStatements: DeclaredStatements = {
  write({ declared, write, columns, rows }: Batch): readonly Statement[] {
    const text = write === 'update' ? updateText(declared, columns) : insertText(declared, write);
    if (text === undefined) return [];
    const valuesOf = (name: string, at: number) => {
      const toText = writerOf(declared.columns.find((column) => column.name === name));
      return rows.map((row) => row[at] ?? null).map((value) => (value === null ? null : toText(value)));
    };
    return [{ text, values: columns.map((name, at) => texts(valuesOf(name, at))), table: declared.table.name }];
  },
  indexedText: { type: /^text$/, limit: 'about 2,700 bytes' },
};

/** Returns the conversion of a column's values to the texts that the database takes. */
export function writerOf(column: DeclaredColumn | undefined): (value: unknown) => string {
  const isMoment = column?.moment === true && column.type !== 'text';
  return isMoment ? (value) => momentText(String(value)) : String;
}

/** Values arrive as texts, and are converted to the column's type. */
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
  return `UPDATE ${quote(name)} AS present SET ${changed.join(', ')} FROM ${from} WHERE ${isSame.join(' AND ')} AND ${asOfOne(firstKey, ["|| ''"])}`;
}
