import type { CopySource, CopyTarget } from '../../copy/copy-ends.ts';
import { copying } from '../../copy/unfinished-copy.ts';
import { checkNoServer } from '../../sql/copy/no-server.ts';
import { openedEnd, SqlSource, SqlTarget, statementTimeoutMs } from '../../sql/copy/sql-ends.ts';
import { SqlWrites } from '../../sql/copy/sql-writes.ts';
import { checkPresent } from '../../sql/schema/check-tables.ts';
import type { StoreDeclaration } from '../../store.ts';
import { MysqlConnections } from '../connection/connections.ts';
import { now } from '../lease/now.ts';
import { type MysqlOptions, settingsOf } from '../mysql-options.ts';
import { mysql } from '../mysql-store.ts';
import { metaOf, schemaVersions } from '../schema/schema.ts';
import { mysqlCopyDialect } from './mysql-copy-dialect.ts';
import { MysqlRows } from './mysql-rows.ts';

/** Where a copy goes to, or comes from. */
interface ServerOfCopy {
  readonly url: string;
  readonly options: MysqlOptions;
  /** Once it is aborted, nothing waits for the server any more. */
  readonly signal: AbortSignal;
}

/**
 * Opens a database to copy from; nothing is written to it. Throws `MILL_INVALID_CONFIGURATION` for one that is none of Millrace,
 * `MILL_TABLE_CHANGED` for one of another version, `MILL_STORE_OWNED` while a server works on it.
 */
export async function openMysqlSource(server: ServerOfCopy): Promise<CopySource> {
  return opened(server, async (connections) => {
    const { name } = connections.options;
    const meta = await connections.reading(metaOf);
    checkPresent(meta, name, schemaVersions);
    await connections.reading((transaction) => checkNoServer(transaction, { name, now }));
    return new SqlSource({ connections, rows: new MysqlRows(connections, true), slices: Number(meta.get('partitions')) });
  });
}

/** Opens a database to copy into, and makes the tables of the declaration. Throws `MILL_STORE_OWNED` while a server works on it, and what opening a store throws. */
export async function openMysqlTarget({ url, options, signal }: ServerOfCopy, declaration: StoreDeclaration): Promise<CopyTarget> {
  return opened({ url, options, signal }, async (connections) => {
    const { name } = connections.options;
    const before = await connections.reading(metaOf);
    if (before.get('schema_version') !== copying) {
      const store = mysql(url, options);
      await store.open(declaration, undefined, signal);
      await store.close();
    }
    await connections.reading((transaction) => checkNoServer(transaction, { name, now }));
    const meta = await connections.reading(metaOf);
    const end = { connections, rows: new MysqlRows(connections, false), slices: Number(meta.get('partitions')) };
    return new SqlTarget(end, new SqlWrites(connections, mysqlCopyDialect));
  });
}

async function opened<End>({ url, options, signal }: ServerOfCopy, open: (connections: MysqlConnections) => Promise<End>): Promise<End> {
  const connections = await MysqlConnections.open({ ...settingsOf(url, options), statementTimeoutMs });
  return openedEnd(connections, signal, open);
}
