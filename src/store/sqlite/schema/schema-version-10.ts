import type { DatabaseSync } from 'node:sqlite';
import { reasonHash } from '../../reason-pattern.ts';
import { kindOfRow } from '../../tables/dead-letter-columns.ts';

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
