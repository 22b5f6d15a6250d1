import type { DatabaseSync } from 'node:sqlite';
import { quote } from '../../tables/sql-text.ts';
import { pipelinesOf, tablesOf } from './pipeline-tables.ts';

/**
 * Brings the tables of version 6 up to date, including those of pipelines that are no longer declared:
 *
 * - The outcome of a delivery was a timer called `outcome/<endpoint>/<id>`, both among the timers and among the dead letters.
 * - The pause of a delivery before its next attempt was not recorded. It is at most the time since the delivery was requested.
 */
export function migrateFrom6(db: DatabaseSync, createPipelineTables: (db: DatabaseSync, pipeline: string) => void): void {
  for (const pipeline of pipelinesOf(db, 'millrace_timers_')) {
    createPipelineTables(db, pipeline);
    moveTimers(db, quote(`millrace_timers_${pipeline}`), tablesOf(pipeline).causes);
  }
  for (const pipeline of pipelinesOf(db, 'millrace_deliveries_')) addPauses(db, tablesOf(pipeline).deliveries);
  moveLetters(db);
}

function moveTimers(db: DatabaseSync, timers: string, causes: string): void {
  const { isOutcome, endpoint, id } = partsOf('name');
  db.exec(`
    INSERT INTO ${causes} (key, kind, name, id, due_at, data, attempts, retry_at)
      SELECT key, 'timer', name, '', due_at, data, attempts, retry_at FROM ${timers} WHERE NOT ${isOutcome};
    INSERT INTO ${causes} (key, kind, name, id, due_at, data, attempts, retry_at)
      SELECT key, 'outcome', ${endpoint}, ${id}, due_at, data, attempts, retry_at FROM ${timers} WHERE ${isOutcome};
    DROP TABLE ${timers}`);
}

function addPauses(db: DatabaseSync, deliveries: string): void {
  const columns = db.prepare(`PRAGMA table_info(${deliveries})`).all();
  if (columns.some(({ name }) => name === 'pause')) return;
  db.exec(`ALTER TABLE ${deliveries} ADD COLUMN pause INTEGER NOT NULL DEFAULT 0`);
  db.exec(`UPDATE ${deliveries} SET pause = max(0, due_at - asked_at) WHERE attempts > 0 AND due_at IS NOT NULL`);
}

function moveLetters(db: DatabaseSync): void {
  const columns = db.prepare('PRAGMA table_info(millrace_dead_letters)').all();
  if (columns.length === 0 || columns.some(({ name }) => name === 'outcome')) return;
  const { isOutcome, endpoint, id } = partsOf('timer_name');
  db.exec(`
    ALTER TABLE millrace_dead_letters ADD COLUMN outcome TEXT;
    UPDATE millrace_dead_letters SET
      outcome = json_object('endpoint', ${endpoint}, 'id', ${id}, 'dueAt', timer_due_at, 'data', timer_data),
      timer_name = NULL, timer_due_at = NULL, timer_data = NULL
      WHERE timer_name IS NOT NULL AND ${isOutcome}`);
}

/** Returns the parts of a name in SQL. An endpoint's name has no slash; a delivery's id may have one. */
function partsOf(name: string): { readonly isOutcome: string; readonly endpoint: string; readonly id: string } {
  const rest = `substr(${name}, length('outcome/') + 1)`;
  return {
    isOutcome: `(substr(${name}, 1, length('outcome/')) = 'outcome/')`,
    endpoint: `substr(${rest}, 1, instr(${rest}, '/') - 1)`,
    id: `substr(${rest}, instr(${rest}, '/') + 1)`,
  };
}
