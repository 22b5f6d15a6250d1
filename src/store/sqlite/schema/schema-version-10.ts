import type { DatabaseSync } from 'node:sqlite';
import { reasonHash } from '../../reason-pattern.ts';
import { kindOfRow } from '../../tables/dead-letter-columns.ts';
import { pipelinesOf, tablesOf } from './pipeline-tables.ts';

/** Sets the kind and the reason pattern of dead letters from version 10 and before. */
export function addReasons(db: DatabaseSync): void {
  const columns = db.prepare('PRAGMA table_info(millrace_dead_letters)').all();
  if (columns.length === 0 || columns.some(({ name }) => name === 'kind')) return;
  db.function('millrace_reason_hash', { deterministic: true }, (reason) => reasonHash(String(reason)));
  db.exec(`
    ALTER TABLE millrace_dead_letters ADD COLUMN kind TEXT;
    ALTER TABLE millrace_dead_letters ADD COLUMN reason_hash TEXT;
    UPDATE millrace_dead_letters SET kind = ${kindOfRow}, reason_hash = millrace_reason_hash(reason)`);
}

/** Makes room for why the last call of a delivery failed, also in pipelines that are no longer declared. */
export function addFailures(db: DatabaseSync): void {
  for (const pipeline of pipelinesOf(db, 'millrace_deliveries_')) {
    const { deliveries } = tablesOf(pipeline);
    const columns = db.prepare(`PRAGMA table_info(${deliveries})`).all();
    if (columns.some(({ name }) => name === 'failure')) continue;
    db.exec(`ALTER TABLE ${deliveries} ADD COLUMN failure TEXT; ALTER TABLE ${deliveries} ADD COLUMN failed_at INTEGER`);
  }
}
