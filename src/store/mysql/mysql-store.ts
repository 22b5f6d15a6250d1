import { SqlStore } from '../sql/sql-store.ts';
import type { Store } from '../store.ts';
import { mysqlDialect } from './mysql-dialect.ts';
import { type MysqlOptions, settingsOf } from './mysql-options.ts';

/**
 * Creates a store in a MySQL or MariaDB database, for any number of processes: each takes events in, and each partition has one owner at a
 * time. The first start creates its tables. The package `mysql2` must be installed.
 *
 * ```ts
 * const store = mysql('mysql://millrace@localhost/orders');
 * ```
 *
 * Throws `MILL_INVALID_CONFIGURATION` for a URL that is not MySQL's, and for a wrong or unknown option.
 */
export function mysql(url: string, options: MysqlOptions = {}): Store {
  return new SqlStore(mysqlDialect, settingsOf(url, options));
}
