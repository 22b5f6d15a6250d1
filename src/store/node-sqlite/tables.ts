/**
 * Declared tables in a SQLite database: created and migrated, written, and queried. The SQLite store keeps them in its file, the memory
 * store in memory.
 */
export { selectRows } from './select-rows.ts';
export { migrateTables } from './table-migration.ts';
export { TableWriter } from './table-writer.ts';
