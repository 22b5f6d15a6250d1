import type { DatabaseSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';
import type { InventoryQuery, NamedCount, StoredCause, StoredPipeline } from '../../store.ts';
import { withStrangers } from '../../tables/inbox-sql.ts';
import { pipelinesOf, tablesOf } from '../schema/pipeline-tables.ts';

/** Counts a database's contents per pipeline, declared or not. */
export function readInventory(db: DatabaseSync, { uncounted, named }: InventoryQuery): readonly StoredPipeline[] {
  const deadLetters = new Map(
    new Select<[pipeline: string, count: number]>(
      db,
      'SELECT pipeline, count(*) FROM millrace_dead_letters WHERE resolved = 0 GROUP BY pipeline',
    ).all(),
  );
  const inbox = new Map(
    new Select<[pipeline: string, count: number]>(db, 'SELECT pipeline, count(*) FROM millrace_inbox GROUP BY pipeline').all(),
  );
  const stored = pipelinesOf(db).map((pipeline) => ({
    pipeline,
    waiting: countWaiting(db, pipeline),
    states: uncounted.includes(pipeline) ? null : countStates(db, pipeline),
    keys: named.includes(pipeline) ? keysWithState(db, pipeline) : [],
    ...countCauses(db, pipeline),
    deliveries: countDeliveries(db, pipeline),
    deadLetters: deadLetters.get(pipeline) ?? 0,
    inbox: inbox.get(pipeline) ?? 0,
  }));
  return withStrangers(stored, inbox);
}

/** A numbered event is held from the moment it is appended. */
function countWaiting(db: DatabaseSync, pipeline: string): number {
  const { log, held } = tablesOf(pipeline);
  const counts = new Select<[count: number]>(
    db,
    `SELECT (SELECT count(*) FROM ${held}) + (SELECT count(*) FROM ${log} WHERE number IS NULL
       AND position > coalesce((SELECT cursor FROM millrace_partitions WHERE pipeline = ?), 0))`,
  );
  return counts.get(pipeline)?.[0] ?? 0;
}

function countStates(db: DatabaseSync, pipeline: string): number {
  return new Select<[count: number]>(db, `SELECT count(*) FROM ${tablesOf(pipeline).keys} WHERE state IS NOT NULL`).get()?.[0] ?? 0;
}

function keysWithState(db: DatabaseSync, pipeline: string): readonly string[] {
  const keys = new Select<[key: string]>(db, `SELECT key FROM ${tablesOf(pipeline).keys} WHERE state IS NOT NULL ORDER BY key`);
  return keys.all().map(([key]) => key);
}

/** Counts timers by name and outcomes by endpoint. */
function countCauses(db: DatabaseSync, pipeline: string): Pick<StoredPipeline, 'timers' | 'outcomes'> {
  const counts = new Select<[kind: StoredCause['kind'], name: string, count: number]>(
    db,
    `SELECT kind, name, count(*) FROM ${tablesOf(pipeline).causes} GROUP BY kind, name ORDER BY kind, name`,
  ).all();
  const of = (kind: StoredCause['kind']) => counts.filter(([own]) => own === kind).map(([, name, count]) => ({ name, count }));
  return { timers: of('timer'), outcomes: of('outcome') };
}

function countDeliveries(db: DatabaseSync, pipeline: string): readonly NamedCount[] {
  return countsIn(db, `SELECT endpoint, count(*) FROM ${tablesOf(pipeline).deliveries} GROUP BY endpoint ORDER BY endpoint`);
}

function countsIn(db: DatabaseSync, sql: string): readonly NamedCount[] {
  return new Select<[name: string, count: number]>(db, sql).all().map(([name, count]) => ({ name, count }));
}
