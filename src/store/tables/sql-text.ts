import type { SqlValue } from '../../pipeline/table.ts';

/** Quotes a name for SQL. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes names as an SQL list: `"a", "b"`. */
export function quoteAll(names: readonly string[]): string {
  return names.map(quote).join(', ');
}

/** Formats a value as an SQL literal. No parentheses: SQLite cannot add a column whose default is an expression. */
export function literal(value: SqlValue): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}
