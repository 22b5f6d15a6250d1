import type { Connections } from '../../sql/connection/connections.ts';
import type { CopyServers } from '../../sql/copy/open-ends.ts';
import { statementTimeoutMs } from '../../sql/copy/sql-ends.ts';
import { PostgresConnections } from '../connection/connections.ts';
import { type PostgresOptions, settingsOf } from '../postgres-options.ts';
import { postgres } from '../postgres-store.ts';
import { metaOf, schemaVersions } from '../schema/schema.ts';
import { postgresCopyDialect } from './postgres-copy-dialect.ts';
import { PostgresRows } from './postgres-rows.ts';

export const postgresServers: CopyServers<PostgresOptions, Connections> = {
  dialect: postgresCopyDialect,
  schemaVersions,
  metaOf,
  connect: (url, options) => PostgresConnections.open({ ...settingsOf(url, options), statementTimeoutMs }),
  rowsOf: (connections, isSource) => new PostgresRows(connections, isSource),
  store: postgres,
};
