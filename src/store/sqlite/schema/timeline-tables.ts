import type { DatabaseSync } from 'node:sqlite';
import { pipelinesOf, tablesOf } from './pipeline-tables.ts';

/** The tables of timeline blocks. Both are pruned from their left edge. */
export const blockTables = `
  CREATE TABLE IF NOT EXISTS millrace_blocks (
    pipeline TEXT NOT NULL, slice INTEGER NOT NULL, block INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (pipeline, slice, block)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS millrace_key_blocks (
    pipeline TEXT NOT NULL, slice INTEGER NOT NULL, key TEXT NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (pipeline, slice, key, block)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS millrace_idx_key_blocks ON millrace_key_blocks (pipeline, slice, block);`;

/** Lets the records of keys, including those of pipelines that are no longer declared, name a block. */
export function addBlocks(db: DatabaseSync): void {
  for (const pipeline of pipelinesOf(db, 'millrace_keys_')) {
    const { keys } = tablesOf(pipeline);
    const columns = db.prepare(`PRAGMA table_info(${keys})`).all();
    if (!columns.some(({ name }) => name === 'block')) db.exec(`ALTER TABLE ${keys} ADD COLUMN block INTEGER`);
  }
}
