/** Declared tables in a SQLite database: made and migrated, written, and queried. The memory store keeps its tables so, too. */
export { selectRows } from './select-rows.ts';
export { migrateTables } from './table-migration.ts';
export { TableWriter } from './table-writer.ts';
