import type { DatabaseSync } from 'node:sqlite';
import { pipelinesOf, tablesOf } from './pipeline-tables.ts';
import { unknownShape } from './state-shapes.ts';

/** Brings the tables of version 3 up to date: events and dead letters had no origin, nobody knew the shapes of states, and timers had any moment. */
export function migrateFrom3(db: DatabaseSync): void {
  db.exec('ALTER TABLE millrace_dead_letters ADD COLUMN origin TEXT');
  for (const pipeline of pipelinesOf(db)) {
    const { log } = tablesOf(pipeline);
    if (!hasOrigin(db, log)) db.exec(`ALTER TABLE ${log} ADD COLUMN origin TEXT`);
  }
  for (const pipeline of pipelinesOf(db, 'millrace_timers_')) clampMoments(db, tablesOf(pipeline).timers, 'due_at');
  clampMoments(db, 'millrace_dead_letters', 'timer_due_at');
  for (const pipeline of pipelinesOf(db, 'millrace_keys_')) {
    db.prepare(
      `INSERT INTO millrace_state_shapes SELECT DISTINCT ?, state_version, ? FROM ${tablesOf(pipeline).keys} WHERE state IS NOT NULL`,
    ).run(pipeline, unknownShape);
  }
}

/** Handlers could ask for timers that are due at moments which no `Date` has, and which JavaScript cannot read. */
function clampMoments(db: DatabaseSync, table: string, column: string): void {
  for (const [beyond, bound] of [
    ['>', 8.64e15],
    ['<', -8.64e15],
  ] as const) {
    db.exec(`UPDATE ${table} SET ${column} = ${bound} WHERE ${column} ${beyond} ${bound}`);
  }
}

function hasOrigin(db: DatabaseSync, log: string): boolean {
  return db
    .prepare(`PRAGMA table_info(${log})`)
    .all()
    .some(({ name }) => name === 'origin');
}
