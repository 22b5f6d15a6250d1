import type { DatabaseSync } from 'node:sqlite';
import { Select } from '../node-sqlite/select.ts';
import { quote } from '../tables/sql-text.ts';
import { ChosenIds } from './chosen-ids.ts';
import { tablesOf } from './pipeline-tables.ts';

/**
 * Brings the tables of version 1 to version 2: events had no `traceparent` (and no `origin`, which the tables made here index), timers no attempts, dead letters no timer, and
 * the known ids were one table without buckets.
 */
export function migrateFrom1(db: DatabaseSync, createPipelineTables: (db: DatabaseSync, pipeline: string) => void): void {
  db.exec(`ALTER TABLE millrace_dead_letters ADD COLUMN timer_name TEXT;
    ALTER TABLE millrace_dead_letters ADD COLUMN timer_due_at INTEGER;
    ALTER TABLE millrace_dead_letters ADD COLUMN timer_data TEXT`);
  const logs = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'millrace\\_log\\_%' ESCAPE '\\'";
  for (const [log] of new Select<[name: string]>(db, logs).all()) {
    const pipeline = log.slice('millrace_log_'.length);
    const tables = tablesOf(pipeline);
    const oldIds = quote(`millrace_old_ids_${pipeline}`);
    db.exec(`ALTER TABLE ${tables.log} ADD COLUMN traceparent TEXT;
      ALTER TABLE ${tables.log} ADD COLUMN origin TEXT;
      ALTER TABLE ${tables.timers} ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE ${tables.timers} ADD COLUMN retry_at INTEGER;
      ALTER TABLE ${tables.ids} RENAME TO ${oldIds}`);
    createPipelineTables(db, pipeline);
    const ids = new ChosenIds(db, pipeline);
    const inOrder = `SELECT id, accepted_at FROM ${oldIds} ORDER BY accepted_at`;
    for (const [id, acceptedAt] of new Select<[id: string, acceptedAt: number]>(db, inOrder).all()) ids.remember(id, acceptedAt, 0);
    db.exec(`DROP TABLE ${oldIds}`);
  }
}
