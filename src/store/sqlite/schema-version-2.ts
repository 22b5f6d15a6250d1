import type { DatabaseSync } from 'node:sqlite';

/** Brings the tables of version 2 up to date: there were no deliveries. */
export function migrateFrom2(db: DatabaseSync): void {
  db.exec('ALTER TABLE millrace_dead_letters ADD COLUMN delivery TEXT');
}
