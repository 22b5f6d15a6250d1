import type { DatabaseSync } from 'node:sqlite';
import { pipelinesOf } from './pipeline-tables.ts';

/** Brings the tables of version 5 up to date: nobody noted gaps. Also pipelines that are no longer declared get their table, so that all have the same. */
export function migrateFrom5(db: DatabaseSync, createPipelineTables: (db: DatabaseSync, pipeline: string) => void): void {
  for (const pipeline of pipelinesOf(db)) createPipelineTables(db, pipeline);
}
