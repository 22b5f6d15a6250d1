import { migrateDatabase as migrateMysql } from '../../store/mysql/schema/migrate-database.ts';
import { migrateDatabase } from '../../store/postgres/schema/migrate-database.ts';
import { migrateFile, pendingInFile } from '../../store/sqlite/schema/migrate-file.ts';
import type { StoreDeclaration } from '../../store/store.ts';
import type { Database } from '../database.ts';
import { UsageError } from '../usage-error.ts';

/**
 * Brings the tables of a database up to date, or (dry) only finds the necessary statements, and returns them. Throws `UsageError` for an
 * in-memory database, which has no tables yet.
 */
export async function migrateTo(
  database: Database,
  declaration: StoreDeclaration,
  { isDry, signal }: { readonly isDry: boolean; readonly signal?: AbortSignal },
): Promise<readonly string[]> {
  if (database.kind === 'memory') throw new UsageError('--database: expected a persistent database, found memory:');
  if (database.kind === 'postgres') return migrateDatabase({ url: database.url, options: database.options, declaration, isDry, signal });
  if (database.kind === 'mysql') return migrateMysql({ url: database.url, options: database.options, declaration, isDry, signal });
  return isDry ? pendingInFile(database.path, declaration) : migrateFile(database.path, declaration);
}
