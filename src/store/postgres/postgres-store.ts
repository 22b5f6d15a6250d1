import { SqlStore } from '../sql/sql-store.ts';
import type { Store } from '../store.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { type PostgresOptions, settingsOf } from './postgres-options.ts';

/**
 * Creates a store in a PostgreSQL database, for any number of processes: each takes events in, and each partition has one owner at a time.
 * The first start creates its tables. The package `pg` must be installed.
 *
 * ```ts
 * const store = postgres('postgres://millrace@localhost/orders');
 * ```
 *
 * Throws `MILL_INVALID_CONFIGURATION` for a URL that is not PostgreSQL's, and for a wrong or unknown option.
 */
export function postgres(url: string, options: PostgresOptions = {}): Store {
  return new SqlStore(postgresDialect, settingsOf(url, options));
}
