import { kindOf, type SqlValue, type Table } from '../../pipeline/table.ts';

const sqlTypes: Readonly<Record<string, string>> = { text: 'TEXT', integer: 'INTEGER', real: 'REAL', boolean: 'INTEGER', json: 'TEXT' };

/** A column as SQLite keeps it. */
export interface SqlColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
}

/** A column as SQLite shall make it. */
export interface DeclaredColumn extends SqlColumn {
  readonly default: SqlValue | undefined;
  /** Whether its texts are JSON. */
  readonly json: boolean;
}

/** The declared columns as SQLite keeps them. The columns of a primary key are never null. */
export function sqlColumnsOf(table: Table): readonly DeclaredColumn[] {
  return Object.entries(table.columns).map(([name, type]) => ({
    name,
    type: sqlTypes[kindOf(type)] ?? 'TEXT',
    notNull: !type.endsWith('?') || table.primaryKey.includes(name),
    default: Object.hasOwn(table.defaults, name) ? table.defaults[name] : undefined,
    json: kindOf(type) === 'json',
  }));
}

/** Whether rows are found by SQLite's own row id: that is what a lone integer key is, and what there is without a key. */
export function hasRowid(table: Table): boolean {
  const [first, ...others] = table.primaryKey;
  return first === undefined || (others.length === 0 && kindOf(table.columns[first] ?? 'text') === 'integer');
}

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
