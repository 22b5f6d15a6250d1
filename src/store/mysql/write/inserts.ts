import type { Statement } from '../../sql/connection/statement.ts';
import { type Column, rowsOf } from '../../sql/write/columns.ts';
import { hashOf } from '../../sql/write/commit-parts.ts';
import { quote, quoteAll } from '../../tables/sql-text.ts';
import { literal } from '../connection/literals.ts';

/** UTF-16 units of the rows of one statement, so that flights can be split between statements. */
const charactersMax = 512 * 1024;

/**
 * Returns statements that add rows in order, with their values in the text.
 *
 * @param behind the treatment of existing rows
 */
export function insertsOf(table: string, columns: readonly Column[], behind = ''): readonly Statement[] {
  const begin = `INSERT INTO ${table} (${quoteAll(columns.map(({ name }) => name))}) VALUES `;
  const statements: Statement[] = [];
  let rows: string[] = [];
  let characters = 0;
  const finish = () => {
    if (rows.length > 0) statements.push({ text: `${begin}${rows.join(',\n')} ${behind}`, values: [] });
    rows = [];
    characters = 0;
  };
  for (const row of rowsOf(columns)) {
    const text = `(${row.map(literal).join(', ')})`;
    if (characters + text.length > charactersMax) finish();
    rows.push(text);
    characters += text.length;
  }
  finish();
  return statements;
}

/** Replaces these columns of rows whose primary key exists. */
export function replacing(columns: readonly string[]): string {
  return `ON DUPLICATE KEY UPDATE ${columns.map((name) => `${quote(name)} = VALUES(${quote(name)})`).join(', ')}`;
}

/** An origin is looked up by its hash. */
export function withOriginHash(columns: readonly Column[]): readonly Column[] {
  const origin = columns.find(({ name }) => name === 'origin');
  if (origin === undefined) return columns;
  const values = origin.values.map((value) => (value === null ? null : hashOf(String(value))));
  return [...columns, { name: 'origin_hash', kind: 'bytes', values }];
}
