import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../errors.ts';
import { Select } from './select.ts';
import { quote } from './sql-columns.ts';

/** Raise it with every change to the tables below, and migrate from the version before. */
const schemaVersion = 2;

/** The tables of one pipeline, quoted. Each pipeline has its own, so that its log grows at its right edge and is pruned by itself. */
export interface PipelineTables {
  readonly log: string;
  readonly keys: string;
  readonly held: string;
  readonly timers: string;
  readonly ids: string;
  readonly idBuckets: string;
}

export function tablesOf(pipeline: string): PipelineTables {
  return {
    log: quote(`millrace_log_${pipeline}`),
    keys: quote(`millrace_keys_${pipeline}`),
    held: quote(`millrace_held_${pipeline}`),
    timers: quote(`millrace_timers_${pipeline}`),
    ids: quote(`millrace_ids_${pipeline}`),
    idBuckets: quote(`millrace_id_buckets_${pipeline}`),
  };
}

/** Creates what is missing of the engine's own tables, and brings older ones up to date. Throws `MILL_TABLE_CHANGED` when a newer Millrace made them. */
export function createSchema(db: DatabaseSync, pipelines: readonly string[]): void {
  db.exec('CREATE TABLE IF NOT EXISTS millrace_meta (name TEXT NOT NULL PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID');
  const found = db.prepare("SELECT value FROM millrace_meta WHERE name = 'schema_version'").get()?.value;
  if (found === 1) migrateFrom1(db);
  else if (found !== undefined && found !== schemaVersion) {
    throw new MillraceError(
      'MILL_TABLE_CHANGED',
      `${db.location()}: expected tables of schema version ${schemaVersion}, found version ${found}. Open it with the Millrace that made it, or a newer one.`,
    );
  }
  db.prepare("INSERT OR REPLACE INTO millrace_meta VALUES ('schema_version', ?)").run(schemaVersion);
  db.exec(sharedTables);
  for (const pipeline of pipelines) db.exec(pipelineTables(pipeline));
}

const sharedTables = `
  CREATE TABLE IF NOT EXISTS millrace_partitions (
    pipeline TEXT NOT NULL, slice INTEGER NOT NULL, epoch INTEGER NOT NULL, cursor INTEGER NOT NULL,
    PRIMARY KEY (pipeline, slice)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS millrace_dead_letters (
    id TEXT NOT NULL PRIMARY KEY, pipeline TEXT NOT NULL, slice INTEGER NOT NULL, key TEXT NOT NULL,
    reason TEXT NOT NULL, failed_at INTEGER NOT NULL, attempts INTEGER NOT NULL,
    position INTEGER, "order" INTEGER, number_from INTEGER, number_to INTEGER, parked INTEGER NOT NULL,
    resolved INTEGER NOT NULL, timer_name TEXT, timer_due_at INTEGER, timer_data TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS millrace_idx_dead_letters_key ON millrace_dead_letters (pipeline, key);
  CREATE INDEX IF NOT EXISTS millrace_idx_dead_letters_position ON millrace_dead_letters (pipeline, position);`;

/** Indexes are named apart from tables: a pipeline may be called anything. */
function pipelineTables(pipeline: string): string {
  const { log, keys, held, timers, ids, idBuckets } = tablesOf(pipeline);
  return `
    CREATE TABLE IF NOT EXISTS ${log} (
      position INTEGER NOT NULL PRIMARY KEY, key TEXT NOT NULL, id TEXT NOT NULL, number INTEGER,
      accepted_at INTEGER NOT NULL, body TEXT NOT NULL, traceparent TEXT
    ) STRICT;
    CREATE TABLE IF NOT EXISTS ${keys} (
      key TEXT NOT NULL PRIMARY KEY, state TEXT, state_version INTEGER, next INTEGER, parked INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ${held} (
      key TEXT NOT NULL, "order" INTEGER NOT NULL, position INTEGER NOT NULL, attempts INTEGER NOT NULL, retry_at INTEGER,
      PRIMARY KEY (key, "order")
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ${timers} (
      key TEXT NOT NULL, name TEXT NOT NULL, due_at INTEGER NOT NULL, data TEXT,
      attempts INTEGER NOT NULL DEFAULT 0, retry_at INTEGER, PRIMARY KEY (key, name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS ${quote(`millrace_idx_timers_${pipeline}`)} ON ${timers} (due_at);
    CREATE TABLE IF NOT EXISTS ${ids} (
      bucket INTEGER NOT NULL, id TEXT NOT NULL, accepted_at INTEGER NOT NULL,
      PRIMARY KEY (bucket, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ${idBuckets} (
      bucket INTEGER NOT NULL PRIMARY KEY, capacity INTEGER NOT NULL, ids INTEGER NOT NULL, newest INTEGER NOT NULL,
      filter BLOB
    ) STRICT;`;
}

/** In version 1 events had no `traceparent`, timers no attempts, dead letters no timer, and the known ids were one table without buckets. */
function migrateFrom1(db: DatabaseSync): void {
  const logs = new Select<[name: string]>(
    db,
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'millrace\\_log\\_%' ESCAPE '\\'",
  );
  db.exec(`ALTER TABLE millrace_dead_letters ADD COLUMN timer_name TEXT; ALTER TABLE millrace_dead_letters ADD COLUMN timer_due_at INTEGER;
    ALTER TABLE millrace_dead_letters ADD COLUMN timer_data TEXT`);
  for (const [name] of logs.all()) {
    const pipeline = name.slice('millrace_log_'.length);
    const { log, timers, ids, idBuckets } = tablesOf(pipeline);
    const old = quote(`millrace_old_ids_${pipeline}`);
    db.exec(`ALTER TABLE ${log} ADD COLUMN traceparent TEXT;
      ALTER TABLE ${timers} ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0; ALTER TABLE ${timers} ADD COLUMN retry_at INTEGER;
      ALTER TABLE ${ids} RENAME TO ${old}; ${pipelineTables(pipeline)}
      INSERT INTO ${ids} SELECT 1, id, accepted_at FROM ${old};
      INSERT INTO ${idBuckets} SELECT 1, max(8192, count(*)), 0, 0, NULL FROM ${old};
      DROP TABLE ${old}`);
  }
}
