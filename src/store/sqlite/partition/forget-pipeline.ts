import type { DatabaseSync } from 'node:sqlite';
import { pipelinesOf, tablesOf } from '../schema/pipeline-tables.ts';

/** Rows deleted in one transaction: some 20 ms, so that no commit waits for long. */
const rowsMax = 5_000;

/**
 * Deletes some of what lies here of a pipeline; returns whether something is left. What refers to events goes before the log.
 * Tables are dropped once they are empty: dropping a full one takes as long as all of its pages do.
 */
export function forgetPiece(db: DatabaseSync, pipeline: string): boolean {
  if (!pipelinesOf(db).includes(pipeline)) return false;
  const { log, keys, held, gaps, timers, deliveries, ids, idBuckets } = tablesOf(pipeline);
  const pieces = [
    deletion(held, 'key, "order"'),
    deletion(gaps, 'key'),
    deletion(timers, 'key, name'),
    deletion(deliveries, 'place'),
    deletion(keys, 'key'),
    deletion('millrace_dead_letters', 'id', 'WHERE pipeline = ?'),
    deletion(log, 'position'),
    deletion(ids, 'bucket, id'),
  ];
  let left = rowsMax;
  for (const sql of pieces) {
    left -= Number(db.prepare(sql).run(...(sql.includes('= ?') ? [pipeline] : []), left).changes);
    if (left === 0) return true;
  }
  for (const table of [held, gaps, timers, deliveries, keys, log, ids, idBuckets]) db.exec(`DROP TABLE ${table}`);
  db.prepare('DELETE FROM millrace_partitions WHERE pipeline = ?').run(pipeline);
  db.prepare('DELETE FROM millrace_paused WHERE pipeline = ?').run(pipeline);
  db.prepare('DELETE FROM millrace_state_shapes WHERE pipeline = ?').run(pipeline);
  return false;
}

function deletion(table: string, primaryKey: string, condition = ''): string {
  return `DELETE FROM ${table} WHERE (${primaryKey}) IN (SELECT ${primaryKey} FROM ${table} ${condition} LIMIT ?)`;
}
