import { MillraceError } from '../../../errors.ts';
import type { SqlValue } from '../../../pipeline/table.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import type { DeclaredStatements } from '../../sql/statements.ts';
import type { Batch } from '../../sql/write/batch.ts';
import type { Column } from '../../sql/write/columns.ts';
import { quote } from '../../tables/sql-text.ts';
import { literal } from '../connection/literals.ts';
import { momentText } from '../connection/moments.ts';
import { insertsOf } from './inserts.ts';

/** Values are checked here as well: the database rounds non-integers, and takes any small number for a truth value. */
export const declaredStatements: DeclaredStatements = {
  write(given) {
    checkValues(given);
    const batch = withMoments(given);
    const { table } = batch.declared;
    const statements = batch.write === 'update' ? updates(batch) : inserts(batch);
    return statements.map((statement) => ({ ...statement, table: table.name }));
  },
  indexedText: { type: /^varchar/, limit: 'as many characters as the type of the column says' },
};

/** Returns the rows with their moments in the database's form. */
function withMoments(batch: Batch): Batch {
  const { columns, declared, rows } = batch;
  const moments = columns.map((name) => declared.columns.some((column) => column.moment && column.name === name));
  if (!moments.includes(true)) return batch;
  const written = rows.map((row) =>
    row.map((value, at) => (moments[at] === true && typeof value === 'string' ? momentText(value) : value)),
  );
  return { ...batch, rows: written };
}

const checks: Readonly<Record<string, { readonly expected: string; is(value: SqlValue): boolean }>> = {
  bigint: { expected: 'an integer', is: Number.isInteger },
  tinyint: { expected: '0 or 1', is: (value) => value === 0 || value === 1 },
  double: { expected: 'a number that the database can hold', is: Number.isFinite },
};

function checkValues({ declared: { table, columns: kept }, columns, rows }: Batch): void {
  for (const [at, name] of columns.entries()) {
    const check = checks[kept.find((column) => column.name === name)?.type ?? ''];
    if (check === undefined) continue;
    const wrong = rows.find((row) => row[at] !== null && row[at] !== undefined && !check.is(row[at]));
    if (wrong !== undefined)
      throw new MillraceError('MILL_COMMIT_REFUSED', `table ${table.name}: column ${name}: expected ${check.expected}, found ${wrong[at]}`);
  }
}

/**
 * An existing row is replaced, or kept, if the whole primary key is the same. Otherwise a user's own unique index conflicts: the primary
 * key then becomes null, and the row is refused.
 */
function inserts({ declared: { table }, write, rows }: Batch): readonly Statement[] {
  const { name, primaryKey } = table;
  const all = Object.keys(table.columns);
  const columns = all.map((column, at): Column => ({ name: column, kind: 'text', values: rows.map((row) => row[at] ?? null) }));
  const [first] = primaryKey;
  if (first === undefined) return insertsOf(quote(name), columns);
  const isSame = primaryKey.map((column) => `${quote(name)}.${quote(column)} <=> VALUES(${quote(column)})`).join(' AND ');
  const kept = `${quote(first)} = IF(${isSame}, ${quote(name)}.${quote(first)}, NULL)`;
  const changed = write === 'add' ? [] : all.filter((column) => !primaryKey.includes(column));
  const set = [kept, ...changed.map((column) => `${quote(column)} = VALUES(${quote(column)})`)];
  return insertsOf(quote(name), columns, `ON DUPLICATE KEY UPDATE ${set.join(', ')}`);
}

/** One statement per row, which its primary key finds. */
function updates({ declared: { table }, columns, rows }: Batch): readonly Statement[] {
  const changed = columns.filter((column) => !table.primaryKey.includes(column));
  if (changed.length === 0) return [];
  return rows.map((row) => {
    const value = (column: string) => literal(row[columns.indexOf(column)] ?? null);
    const set = changed.map((column) => `${quote(column)} = ${value(column)}`);
    const isIt = table.primaryKey.map((column) => `${quote(column)} = ${value(column)}`);
    return { text: `UPDATE ${quote(table.name)} SET ${set.join(', ')} WHERE ${isIt.join(' AND ')}`, values: [] };
  });
}
