import type { ColumnType, Table } from '../../pipeline/table.ts';

const sqlTypes: Readonly<Record<string, string>> = { text: 'TEXT', integer: 'INTEGER', real: 'REAL', boolean: 'INTEGER', json: 'TEXT' };

/** A column as SQLite keeps it. */
export interface SqlColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
}

/** The declared columns as SQLite keeps them. The columns of a primary key are never null. */
export function sqlColumnsOf(table: Table): readonly SqlColumn[] {
  return Object.entries(table.columns).map(([name, type]) => ({
    name,
    type: sqlTypes[kindOf(type)] ?? 'TEXT',
    notNull: !type.endsWith('?') || table.primaryKey.includes(name),
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

function kindOf(type: ColumnType): string {
  return type.replace('?', '');
}
