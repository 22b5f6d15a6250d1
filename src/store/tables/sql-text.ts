import type { SqlValue } from '../../pipeline/table.ts';

/** A name as SQL writes it. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Names as SQL lists them: `"a", "b"`. */
export function quoteAll(names: readonly string[]): string {
  return names.map(quote).join(', ');
}

/** A value as SQL writes it. Not in brackets: SQLite adds no column to a table whose default is an expression. */
export function literal(value: SqlValue): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}
