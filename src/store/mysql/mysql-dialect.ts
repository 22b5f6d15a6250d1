import { MysqlAdapter, MysqlIntrospector, MysqlQueryCompiler } from 'kysely';
import type { Dialect } from '../sql/dialect.ts';
import { openedAs } from '../sql/schema/opened-as.ts';
import { MysqlConnections } from './connection/connections.ts';
import { momentText } from './connection/moments.ts';
import { mysqlErrors } from './connection/mysql-errors.ts';
import type { Settings } from './mysql-options.ts';
import { selectRows } from './read/select.ts';
import { columnsOf } from './schema/column-types.ts';
import { bringUpToDate } from './schema/migrate-database.ts';
import { metaOf, schemaVersions } from './schema/schema.ts';
import { checkServer } from './schema/server.ts';
import { mysqlStatements } from './statements.ts';

/** MySQL and MariaDB. */
export const mysqlDialect: Dialect<Settings, MysqlConnections> = {
  kind: 'mysql',
  queries: {
    createAdapter: () => new MysqlAdapter(),
    createIntrospector: (kysely) => new MysqlIntrospector(kysely),
    createQueryCompiler: () => new MysqlQueryCompiler(),
    momentText,
  },
  // See `schema/schema.ts`.
  keyBytesMax: 2_048,
  statements: mysqlStatements,
  errors: mysqlErrors,
  connect: (settings) => MysqlConnections.open(settings),
  checkServer,
  versions: schemaVersions,
  metaOf,
  async declare(connections, settings, declaration) {
    await bringUpToDate(connections, settings, declaration);
    const opened = await connections.writing((transaction) => openedAs(transaction, mysqlStatements.writes, declaration.pipelines));
    return { opened, tables: declaration.tables.map((table) => ({ table, columns: columnsOf(table) })) };
  },
  select: (connections, asked, signal) => connections.reading((transaction) => selectRows(transaction, asked), signal),
  // There is nothing to listen to: each process polls by itself.
  announce: () => undefined,
};
