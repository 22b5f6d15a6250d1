import { SqlStore } from '../sql/sql-store.ts';
import type { Store } from '../store.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { type PostgresOptions, settingsOf } from './postgres-options.ts';

/**
 * A store in a PostgreSQL database, for as many processes as work on it: each takes events in, and each partition has one owner at a
 * time. Its tables are made with the first start. The package `pg` must be installed.
 *
 * ```ts
 * const store = postgres('postgres://millrace@localhost/orders');
 * ```
 *
 * Throws `MILL_INVALID_CONFIGURATION` for a URL that is none of PostgreSQL's, and for an option that is wrong or unknown.
 */
export function postgres(url: string, options: PostgresOptions = {}): Store {
  return new SqlStore(postgresDialect, settingsOf(url, options));
}
