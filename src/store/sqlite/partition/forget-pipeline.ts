import type { DatabaseSync } from 'node:sqlite';
import { pipelinesOf, tablesOf } from '../schema/pipeline-tables.ts';

/** Rows deleted per transaction: some 20 ms, so that no commit waits long. */
const rowsMax = 5_000;

const inboxRows = deletion('millrace_inbox', 'place', 'WHERE pipeline = ?');

/**
 * Deletes some of a pipeline's data; returns whether anything is left. References to events go before the log. Tables are dropped once they
 * are empty: dropping a full one takes time for all of its pages.
 */
export function forgetPiece(db: DatabaseSync, pipeline: string): boolean {
  if (!pipelinesOf(db).includes(pipeline)) return deleteFrom(db, inboxRows, { pipeline, left: rowsMax }) === 0;
  const { log, keys, held, gaps, causes, deliveries, ids, idBuckets } = tablesOf(pipeline);
  const pieces = [
    deletion(held, 'key, "order"'),
    deletion(gaps, 'key'),
    deletion(causes, 'key, kind, name, id'),
    deletion(deliveries, 'place'),
    deletion(keys, 'key'),
    deletion('millrace_dead_letters', 'id', 'WHERE pipeline = ?'),
    inboxRows,
    deletion('millrace_blocks', 'rowid', 'WHERE pipeline = ?'),
    deletion('millrace_key_blocks', 'pipeline, slice, key, block', 'WHERE pipeline = ?'),
    deletion(log, 'position'),
    deletion(ids, 'bucket, id'),
  ];
  let left = rowsMax;
  for (const sql of pieces) {
    left = deleteFrom(db, sql, { pipeline, left });
    if (left === 0) return true;
  }
  for (const table of [held, gaps, causes, deliveries, keys, log, ids, idBuckets]) db.exec(`DROP TABLE ${table}`);
  db.prepare('DELETE FROM millrace_partitions WHERE pipeline = ?').run(pipeline);
  db.prepare('DELETE FROM millrace_source_offsets WHERE pipeline = ?').run(pipeline);
  db.prepare('DELETE FROM millrace_paused WHERE pipeline = ?').run(pipeline);
  db.prepare('DELETE FROM millrace_state_shapes WHERE pipeline = ?').run(pipeline);
  return false;
}

/** Returns how many more rows may be deleted. */
function deleteFrom(db: DatabaseSync, sql: string, { pipeline, left }: { readonly pipeline: string; readonly left: number }): number {
  return left - Number(db.prepare(sql).run(...(sql.includes('= ?') ? [pipeline] : []), left).changes);
}

function deletion(table: string, primaryKey: string, condition = ''): string {
  return `DELETE FROM ${table} WHERE (${primaryKey}) IN (SELECT ${primaryKey} FROM ${table} ${condition} LIMIT ?)`;
}
