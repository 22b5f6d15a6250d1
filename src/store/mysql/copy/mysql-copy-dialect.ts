import type { CopyDialect } from '../../sql/copy/copy-dialect.ts';
import { column } from '../../sql/write/columns.ts';
import { quote } from '../../tables/sql-text.ts';
import { momentText } from '../connection/moments.ts';
import { isSame, jsonOf, jsonTable } from '../read/json-rows.ts';
import { columnsOf } from '../schema/column-types.ts';
import { schemaVersion } from '../schema/schema.ts';
import { mysqlStatements } from '../statements.ts';
import { insertsOf } from '../write/inserts.ts';

export const mysqlCopyDialect: CopyDialect = {
  schemaVersion,
  statements: mysqlStatements,
  progress: 'part VARBINARY(255) PRIMARY KEY, done BIGINT NOT NULL',
  lock: "SELECT value FROM millrace_meta WHERE name = 'schema_version' FOR UPDATE",
  // InnoDB updates its statistics as rows arrive.
  analyze: undefined,

  /** The database converts a value to its column's type. An integer that a number would round is sent as text. */
  async rows(_transaction, table, rows) {
    const columns = columnsOf(table).map(({ name, moment }, at) =>
      column(name, 'text', rows, ({ values }) => {
        const value = values[at] ?? null;
        if (moment && typeof value === 'string') return momentText(value);
        return typeof value === 'bigint' ? String(value) : value;
      }),
    );
    return insertsOf(quote(table.name), columns);
  },

  letters(columns) {
    const given = `${jsonTable('$1', columns)} AS event`;
    const isIt = isSame('letter', 'event', columns.slice(0, 1));
    return {
      text: `UPDATE ${given} STRAIGHT_JOIN millrace_dead_letters AS letter FORCE INDEX (PRIMARY) ON ${isIt}
        SET letter.position = event.position, letter."order" = event."order"`,
      values: [jsonOf(columns)],
    };
  },
};
