import { SqlStore } from '../sql/sql-store.ts';
import type { Store } from '../store.ts';
import { mysqlDialect } from './mysql-dialect.ts';
import { type MysqlOptions, settingsOf } from './mysql-options.ts';

/**
 * A store in a database of MySQL or MariaDB, for as many processes as work on it: each takes events in, and each partition has one owner at a
 * time. Its tables are made with the first start. The package `mysql2` must be installed.
 *
 * ```ts
 * const store = mysql('mysql://millrace@localhost/orders');
 * ```
 *
 * Throws `MILL_INVALID_CONFIGURATION` for a URL that is none of MySQL's, and for an option that is wrong or unknown.
 */
export function mysql(url: string, options: MysqlOptions = {}): Store {
  return new SqlStore(mysqlDialect, settingsOf(url, options));
}
