import { MillraceError } from '../../../errors.ts';
import type { Connections } from '../../sql/connection/connections.ts';
import type { StoreLogger } from '../../store.ts';

/** The oldest supported releases. */
const oldest = { MariaDB: [10, 6], MySQL: [8, 4] } as const;

/** Servers that speak MySQL's protocol but lack features that the store relies on. */
const unsupported = /tidb|vitess|oceanbase|singlestore|doris|starrocks/i;

/**
 * Checks the database: throws `MILL_INVALID_CONFIGURATION` for one that the store cannot use, and warns if acknowledged data may not be on
 * disk (promise 1).
 */
export async function checkServer(connections: Connections, log?: StoreLogger): Promise<void> {
  const { name } = connections.options;
  const [found] = await connections.read({
    text: 'SELECT VERSION(), @@version_comment, @@log_bin, @@binlog_format, @@innodb_flush_log_at_trx_commit, @@sync_binlog',
    values: [],
  });
  const [version, comment, logBin, format, flush, sync] = (found?.rows[0] ?? []).map(String);
  const kind = /mariadb/i.test(`${version}`) ? 'MariaDB' : 'MySQL';
  if (unsupported.test(`${version} ${comment}`)) refuse(`${name}: expected MySQL or MariaDB, found ${version} ${comment}`);
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(`${version}`)?.slice(1) ?? []).map(Number);
  const [majorMin, minorMin] = oldest[kind];
  if (major < majorMin || (major === majorMin && minor < minorMin))
    refuse(`${name}: expected ${kind} ${majorMin}.${minorMin} or newer, found ${version}`);
  // InnoDB then refuses every write under READ COMMITTED.
  if (logBin === '1' && format === 'STATEMENT') refuse(`${name}: expected binlog_format ROW or MIXED, found STATEMENT`);
  const isWritten = flush === '1' && (logBin !== '1' || sync === '1');
  if (isWritten) return;
  const settings = { database: name, innodb_flush_log_at_trx_commit: Number(flush), sync_binlog: Number(sync) };
  log?.warn(
    settings,
    'the database has innodb_flush_log_at_trx_commit or sync_binlog not set to 1: acknowledged events may be lost if its machine fails',
  );
}

function refuse(message: string): never {
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message);
}
