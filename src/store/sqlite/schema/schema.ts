import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '../../../errors.ts';
import { refuseUnfinishedCopy } from '../../copy/unfinished-copy.ts';
import { Select } from '../../node-sqlite/select.ts';
import { quote } from '../../tables/sql-text.ts';
import { operationsTable } from './operations-table.ts';
import { tablesOf } from './pipeline-tables.ts';
import { migrateFrom5 } from './schema-version-5.ts';
import { migrateFrom6 } from './schema-version-6.ts';
import { addFailures, addReasons } from './schema-version-10.ts';
import { addBlocks, blockTables } from './timeline-tables.ts';

/** Raise it with every change to the tables below, and migrate from the previous version. */
export const schemaVersion = 11;

/** The oldest version that is brought up to date. Earlier ones predate the first release. */
const schemaVersionMin = 5;

/**
 * Creates the missing ones of the engine's own tables, and brings older ones up to date. Throws `MILL_TABLE_CHANGED` for an unknown
 * version.
 */
export function createSchema(db: DatabaseSync, pipelines: readonly string[]): void {
  db.exec('CREATE TABLE IF NOT EXISTS millrace_meta (name TEXT NOT NULL PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID');
  const found = db.prepare("SELECT value FROM millrace_meta WHERE name = 'schema_version'").get()?.value;
  if (found !== undefined) checkVersion(found, `${db.location()}`);
  db.exec(stateShapes);
  if (found === 5) migrateFrom5(db, createPipelineTables);
  if (found === 5 || found === 6) migrateFrom6(db, createPipelineTables);
  if (found !== undefined && found !== schemaVersion) {
    addReasons(db);
    addFailures(db);
  }
  // A start that changes nothing writes nothing, so that it works on a full disk.
  if (found !== schemaVersion) db.exec(`INSERT OR REPLACE INTO millrace_meta VALUES ('schema_version', ${schemaVersion})`);
  db.exec(sharedTables);
  db.exec(operationsTable);
  db.exec(blockTables);
  if (found !== undefined && found !== schemaVersion) addBlocks(db);
  for (const pipeline of pipelines) createPipelineTables(db, pipeline);
}

/**
 * Returns the schema version of a read-only database. Throws `MILL_INVALID_CONFIGURATION` if it is not a Millrace database, and
 * `MILL_TABLE_CHANGED` for a version that this Millrace cannot bring up to date.
 */
export function readVersion(db: DatabaseSync, path: string): number {
  const meta = new Select<[1]>(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'millrace_meta'").get();
  if (meta === undefined)
    throw new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: expected a Millrace database, found another kind`);
  const [version = 0] = new Select<[number]>(db, "SELECT value FROM millrace_meta WHERE name = 'schema_version'").get() ?? [];
  checkVersion(version, path);
  return version;
}

/** Throws `MILL_TABLE_CHANGED` for a version that this Millrace cannot bring up to date, and for an unfinished copy. */
function checkVersion(found: unknown, location: string): void {
  refuseUnfinishedCopy(found, location);
  const isVersion = Number.isInteger(found) && Number(found) >= 1;
  if (isVersion && Number(found) >= schemaVersionMin && Number(found) <= schemaVersion) return;
  const advice =
    isVersion && Number(found) < schemaVersionMin
      ? 'It was created before the first release and cannot be brought up to date. Start with a new file; SQL can still read this one.'
      : 'Open it with the Millrace version that created it, or a newer one.';
  const problem = `expected tables of schema version ${schemaVersion}, found version ${found}`;
  throw new MillraceError('MILL_TABLE_CHANGED', `${location}: ${problem}. ${advice}`);
}

const stateShapes = `CREATE TABLE IF NOT EXISTS millrace_state_shapes (
  pipeline TEXT NOT NULL, version INTEGER NOT NULL, shape TEXT NOT NULL, PRIMARY KEY (pipeline, version, shape)
) STRICT, WITHOUT ROWID`;

/**
 * A place of the inbox is never reused: whoever has read a row takes that one, or none. Version 7 had no inbox, version 8 no indexes of
 * parked or retried keys, version 9 no audit, version 10 no operations, source offsets, blocks or delivery failures.
 *
 * Dead letters are listed by each filter in id order. Resolved gaps stay for ever, and are in none of those indexes.
 */
const sharedTables = `
  CREATE TABLE IF NOT EXISTS millrace_partitions (
    pipeline TEXT NOT NULL, slice INTEGER NOT NULL, epoch INTEGER NOT NULL, cursor INTEGER NOT NULL,
    PRIMARY KEY (pipeline, slice)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS millrace_inbox (
    place INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, pipeline TEXT NOT NULL, event TEXT NOT NULL, id TEXT, traceparent TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS millrace_idx_inbox ON millrace_inbox (pipeline, place);
  CREATE TABLE IF NOT EXISTS millrace_paused (pipeline TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS millrace_audit (
    id TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, who TEXT, action TEXT NOT NULL, pipeline TEXT NOT NULL, key TEXT, subject TEXT, reason TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS millrace_idx_audit_at ON millrace_audit (at);
  CREATE INDEX IF NOT EXISTS millrace_idx_audit_pipeline ON millrace_audit (pipeline, id);
  CREATE TABLE IF NOT EXISTS millrace_source_offsets (
    pipeline TEXT NOT NULL, source TEXT NOT NULL, topic_id TEXT NOT NULL, "partition" INTEGER NOT NULL, next INTEGER NOT NULL,
    PRIMARY KEY (pipeline, source, topic_id, "partition")
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS millrace_dead_letters (
    id TEXT NOT NULL PRIMARY KEY, pipeline TEXT NOT NULL, slice INTEGER NOT NULL, key TEXT NOT NULL,
    reason TEXT NOT NULL, failed_at INTEGER NOT NULL, attempts INTEGER NOT NULL,
    position INTEGER, "order" INTEGER, number_from INTEGER, number_to INTEGER, parked INTEGER NOT NULL,
    resolved INTEGER NOT NULL, timer_name TEXT, timer_due_at INTEGER, timer_data TEXT, delivery TEXT, origin TEXT,
    stack TEXT, outcome TEXT, kind TEXT, reason_hash TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS millrace_idx_dead_letters_key ON millrace_dead_letters (pipeline, key);
  CREATE INDEX IF NOT EXISTS millrace_idx_dead_letters_position ON millrace_dead_letters (pipeline, position);
  CREATE INDEX IF NOT EXISTS millrace_idx_dead_letters_origin ON millrace_dead_letters (pipeline, origin) WHERE origin IS NOT NULL;
  CREATE INDEX IF NOT EXISTS millrace_idx_dead_letters_listed ON millrace_dead_letters (id) WHERE resolved = 0;
  CREATE INDEX IF NOT EXISTS millrace_idx_dead_letters_listed_pipeline ON millrace_dead_letters (pipeline, id) WHERE resolved = 0;
  CREATE INDEX IF NOT EXISTS millrace_idx_dead_letters_listed_key ON millrace_dead_letters (key, id) WHERE resolved = 0;
  CREATE INDEX IF NOT EXISTS millrace_idx_dead_letters_listed_both ON millrace_dead_letters (pipeline, key, id) WHERE resolved = 0;
  CREATE INDEX IF NOT EXISTS millrace_idx_dead_letters_reason ON millrace_dead_letters (reason_hash, id) WHERE resolved = 0;
  CREATE INDEX IF NOT EXISTS millrace_idx_dead_letters_groups
    ON millrace_dead_letters (pipeline, kind, reason_hash, failed_at, id) WHERE resolved = 0;`;

/**
 * Indexes are named differently from tables: a pipeline may have any name. Parked and retried keys are rare, and an index of only these
 * costs others nothing. Those of deliveries end with the place, which is the row id. Timers and outcomes share a table, so that one index
 * has both in due order: the `name` of an outcome is its endpoint, and the `id` of a timer is empty.
 */
function createPipelineTables(db: DatabaseSync, pipeline: string): void {
  const { log, keys, held, gaps, causes, deliveries, ids, idBuckets } = tablesOf(pipeline);
  db.exec(`
    CREATE TABLE IF NOT EXISTS ${log} (
      position INTEGER NOT NULL PRIMARY KEY, key TEXT NOT NULL, id TEXT NOT NULL, number INTEGER,
      accepted_at INTEGER NOT NULL, body TEXT NOT NULL, traceparent TEXT, origin TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS ${quote(`millrace_idx_log_origin_${pipeline}`)} ON ${log} (origin) WHERE origin IS NOT NULL;
    CREATE TABLE IF NOT EXISTS ${keys} (
      key TEXT NOT NULL PRIMARY KEY, state TEXT, state_version INTEGER, next INTEGER, parked INTEGER NOT NULL,
      block INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS ${quote(`millrace_idx_keys_parked_${pipeline}`)} ON ${keys} (key) WHERE parked = 1;
    CREATE TABLE IF NOT EXISTS ${held} (
      key TEXT NOT NULL, "order" INTEGER NOT NULL, position INTEGER NOT NULL, attempts INTEGER NOT NULL, retry_at INTEGER,
      PRIMARY KEY (key, "order")
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS ${quote(`millrace_idx_held_retried_${pipeline}`)} ON ${held} (key) WHERE attempts > 0;
    CREATE TABLE IF NOT EXISTS ${gaps} (
      key TEXT NOT NULL PRIMARY KEY, next INTEGER NOT NULL, "first" INTEGER NOT NULL, since INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS ${quote(`millrace_idx_gaps_${pipeline}`)} ON ${gaps} (since, key);
    CREATE TABLE IF NOT EXISTS ${causes} (
      key TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, due_at INTEGER NOT NULL, data TEXT,
      attempts INTEGER NOT NULL, retry_at INTEGER, PRIMARY KEY (key, kind, name, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS ${quote(`millrace_idx_causes_${pipeline}`)} ON ${causes} (due_at);
    CREATE INDEX IF NOT EXISTS ${quote(`millrace_idx_causes_retried_${pipeline}`)} ON ${causes} (key) WHERE attempts > 0;
    CREATE TABLE IF NOT EXISTS ${deliveries} (
      place INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL,
      flow TEXT NOT NULL DEFAULT '', ordered INTEGER NOT NULL, waits INTEGER NOT NULL, attempts INTEGER NOT NULL, due_at INTEGER,
      pause INTEGER NOT NULL DEFAULT 0, asked_at INTEGER NOT NULL, url TEXT, traceparent TEXT, body TEXT NOT NULL,
      failure TEXT, failed_at INTEGER, UNIQUE (endpoint, key, id)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS ${quote(`millrace_idx_deliveries_due_${pipeline}`)} ON ${deliveries} (endpoint, due_at) WHERE waits = 0;
    CREATE INDEX IF NOT EXISTS ${quote(`millrace_idx_deliveries_flow_${pipeline}`)} ON ${deliveries} (endpoint, flow, due_at) WHERE waits = 0;
    CREATE INDEX IF NOT EXISTS ${quote(`millrace_idx_deliveries_line_${pipeline}`)} ON ${deliveries} (endpoint, key) WHERE ordered = 1;
    CREATE TABLE IF NOT EXISTS ${ids} (
      bucket INTEGER NOT NULL, id TEXT NOT NULL, accepted_at INTEGER NOT NULL,
      PRIMARY KEY (bucket, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS ${idBuckets} (
      bucket INTEGER NOT NULL PRIMARY KEY, capacity INTEGER NOT NULL, ids INTEGER NOT NULL, newest INTEGER NOT NULL,
      filter BLOB
    ) STRICT;`);
}
