import type { DatabaseSync } from 'node:sqlite';
import { flowOf } from '../../flow.ts';
import { pipelinesOf, tablesOf } from './pipeline-tables.ts';

/**
 * Brings the tables of version 5 up to date: deliveries had no flow, and those with their own address now belong to its origin's; gaps were
 * not noted. Also creates tables for pipelines that are no longer declared, so that all have the same.
 */
export function migrateFrom5(db: DatabaseSync, createPipelineTables: (db: DatabaseSync, pipeline: string) => void): void {
  db.function('millrace_flow_of', { deterministic: true }, (key, url) => flowOf(String(key), originOf(url)));
  for (const pipeline of pipelinesOf(db, 'millrace_deliveries_')) {
    const { deliveries } = tablesOf(pipeline);
    if (hasFlow(db, deliveries)) continue;
    db.exec(`ALTER TABLE ${deliveries} ADD COLUMN flow TEXT NOT NULL DEFAULT ''`);
    db.exec(`UPDATE ${deliveries} SET flow = millrace_flow_of(key, url)`);
  }
  for (const pipeline of pipelinesOf(db)) createPipelineTables(db, pipeline);
}

function originOf(url: unknown): string | undefined {
  return typeof url === 'string' ? URL.parse(url)?.origin : undefined;
}

function hasFlow(db: DatabaseSync, deliveries: string): boolean {
  return db
    .prepare(`PRAGMA table_info(${deliveries})`)
    .all()
    .some(({ name }) => name === 'flow');
}
