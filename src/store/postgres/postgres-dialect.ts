import { PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import type { Dialect, OpenedTables } from '../sql/dialect.ts';
import { openedAs } from '../sql/schema/opened-as.ts';
import type { StoreDeclaration } from '../store.ts';
import { Announcements } from './announcements.ts';
import { PostgresConnections } from './connection/connections.ts';
import { momentText } from './connection/moments.ts';
import { postgresErrors } from './connection/postgres-errors.ts';
import type { Settings } from './postgres-options.ts';
import { selectRows } from './read/select.ts';
import { bringUpToDate } from './schema/migrate-database.ts';
import { isMadeTwice, metaOf, schemaVersions } from './schema/schema.ts';
import { checkServer } from './schema/server.ts';
import { postgresStatements } from './statements.ts';

/** PostgreSQL. */
export const postgresDialect: Dialect<Settings, PostgresConnections> = {
  kind: 'postgres',
  queries: {
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    momentText,
  },
  /**
   * An index entry has at most 2,704 bytes. In addition to a key it may hold the names of a pipeline and an endpoint, an id of ours, or a
   * hash and some numbers.
   */
  keyBytesMax: 2_048,
  statements: postgresStatements,
  errors: postgresErrors,
  connect: (settings) => PostgresConnections.open(settings),
  checkServer,
  versions: schemaVersions,
  metaOf,
  declare,
  select: (connections, asked, signal) => connections.reading((transaction) => selectRows(transaction, asked), signal),
  // Listening is impossible through a pooler.
  announce: (connections, process, inboxGrown) =>
    connections.options.isPooled ? undefined : new Announcements(connections, process, inboxGrown),
};

async function declare(connections: PostgresConnections, settings: Settings, declaration: StoreDeclaration): Promise<OpenedTables> {
  return connections.writing(
    async (transaction) => {
      const tables = await bringUpToDate(transaction, settings, declaration);
      return { opened: await openedAs(transaction, postgresStatements.writes, declaration.pipelines), tables };
    },
    { mayRepeat: isMadeTwice },
  );
}
