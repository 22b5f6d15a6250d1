import type { DatabaseSync } from 'node:sqlite';

/** Brings the tables of version 4 up to date: dead letters did not say where they failed. */
export function migrateFrom4(db: DatabaseSync): void {
  db.exec('ALTER TABLE millrace_dead_letters ADD COLUMN stack TEXT');
}
