import type { CopyDialect } from '../../sql/copy/copy-dialect.ts';
import type { DeclaredColumn } from '../../tables/sql-columns.ts';
import { quote, quoteAll } from '../../tables/sql-text.ts';
import { texts } from '../connection/binary-arrays.ts';
import { keptTable } from '../schema/declared-tables.ts';
import { schemaVersion } from '../schema/schema.ts';
import { postgresStatements } from '../statements.ts';
import { writerOf } from '../write/declared-statements.ts';

export const postgresCopyDialect: CopyDialect = {
  schemaVersion,
  statements: postgresStatements,
  progress: 'part text PRIMARY KEY, done int8 NOT NULL',
  lock: 'LOCK TABLE millrace_meta IN SHARE ROW EXCLUSIVE MODE',
  analyze: 'ANALYZE',

  /** Values arrive as texts, and are converted to the column's type. */
  async rows(transaction, table, rows) {
    const { columns } = await keptTable(transaction, table);
    const selected = columns.map(({ type }, at) => `new.c${at}::${type}`);
    const arrays = columns.map((_, at) => `$${at + 1}::text[]`);
    const names = columns.map((_, at) => `c${at}`);
    const text = `INSERT INTO ${quote(table.name)} (${quoteAll(columns.map(({ name }) => name))}) SELECT ${selected.join(', ')}
      FROM unnest(${arrays.join(', ')}) WITH ORDINALITY AS new (${names.join(', ')}, nth) ORDER BY new.nth`;
    const valuesOf = (column: DeclaredColumn, at: number) => {
      const toText = writerOf(column);
      return rows.map(({ values }) => values[at] ?? null).map((value) => (value === null ? null : toText(value)));
    };
    return [{ text, values: columns.map((column, at) => texts(valuesOf(column, at))) }];
  },

  letters: (columns) => ({
    text: `UPDATE millrace_dead_letters AS letter SET position = event.position::int8, "order" = event."order"::int8
      FROM unnest($1::text[], $2::text[], $3::text[]) AS event (id, position, "order") WHERE letter.id = event.id`,
    values: columns.map(({ values }) => texts(values.map(String))),
  }),
};
