import type { CopyServers } from '../../sql/copy/open-ends.ts';
import { statementTimeoutMs } from '../../sql/copy/sql-ends.ts';
import { MysqlConnections } from '../connection/connections.ts';
import { type MysqlOptions, settingsOf } from '../mysql-options.ts';
import { mysql } from '../mysql-store.ts';
import { metaOf, schemaVersions } from '../schema/schema.ts';
import { mysqlCopyDialect } from './mysql-copy-dialect.ts';
import { MysqlRows } from './mysql-rows.ts';

export const mysqlServers: CopyServers<MysqlOptions, MysqlConnections> = {
  dialect: mysqlCopyDialect,
  schemaVersions,
  metaOf,
  connect: (url, options) => MysqlConnections.open({ ...settingsOf(url, options), statementTimeoutMs }),
  rowsOf: (connections, isSource) => new MysqlRows(connections, isSource),
  store: mysql,
};
