import type { Transaction } from '../../sql/connection/connections.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import { checkPartitions, checkVersion, type SchemaVersions } from '../../sql/schema/check-tables.ts';
import { missingHashes } from '../../sql/schema/missing-hashes.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import { fencedState, stateOf } from '../connection/postgres-errors.ts';
import { inboxChannel } from '../lease/channels.ts';
import { blockColumn, blockTables } from './timeline-tables.ts';

/** Raise it with every change to the tables below, and migrate from the previous version. */
export const schemaVersion = 7;

export const schemaVersions: SchemaVersions = { present: schemaVersion, oldest: 1 };

/** A text compared and ordered by its bytes, as in every store. */
const text = 'text COLLATE "C"';
const partition = `pipeline ${text} NOT NULL, slice int4 NOT NULL`;

/**
 * The tables shared by all pipelines. A name that may exceed an index entry is keyed by its hash. All moments are milliseconds since 1970.
 * `causes` are timers, by name, and outcomes, by endpoint and id. `cursors` is append-only, and the highest is the cursor; `heads` is
 * locked by whoever appends and never changed: a row changed by every commit would bloat behind any old snapshot.
 */
const sharedTables = `
  CREATE TABLE millrace_pipelines (pipeline ${text} PRIMARY KEY, paused bool NOT NULL DEFAULT false);
  CREATE TABLE millrace_state_shapes (
    pipeline ${text} NOT NULL, version int8 NOT NULL, shape ${text} NOT NULL, PRIMARY KEY (pipeline, version, shape)
  );
  CREATE TABLE millrace_processes (
    id ${text} PRIMARY KEY, until int8 NOT NULL, since int8 NOT NULL, host text NOT NULL, pid int4 NOT NULL, version text NOT NULL,
    pipelines text NOT NULL
  );
  CREATE TABLE millrace_fences (${partition}, epoch int8 NOT NULL, owner ${text}, PRIMARY KEY (pipeline, slice));
  CREATE TABLE millrace_heads (${partition}, PRIMARY KEY (pipeline, slice));
  CREATE TABLE millrace_cursors (${partition}, cursor int8 NOT NULL, PRIMARY KEY (pipeline, slice, cursor));
  CREATE TABLE millrace_keys (
    ${partition}, key ${text} NOT NULL, state text, state_version int8, next int8, parked bool NOT NULL,
    PRIMARY KEY (pipeline, slice, key)
  ) WITH (fillfactor = 80);
  CREATE TABLE millrace_held (
    ${partition}, key ${text} NOT NULL, "order" int8 NOT NULL, position int8 NOT NULL, attempts int4 NOT NULL, retry_at int8,
    PRIMARY KEY (pipeline, slice, key, "order")
  );
  CREATE TABLE millrace_gaps (
    ${partition}, key ${text} NOT NULL, next int8 NOT NULL, "first" int8 NOT NULL, since int8 NOT NULL,
    PRIMARY KEY (pipeline, slice, key)
  );
  CREATE INDEX ON millrace_gaps (pipeline, slice, since, key);
  CREATE TABLE millrace_causes (
    ${partition}, key ${text} NOT NULL, kind ${text} NOT NULL, name ${text} NOT NULL, id ${text} NOT NULL, name_hash bytea NOT NULL,
    due_at int8 NOT NULL, data text, attempts int4 NOT NULL, retry_at int8, PRIMARY KEY (pipeline, slice, key, name_hash)
  );
  CREATE INDEX ON millrace_causes (pipeline, slice, due_at);
  CREATE TABLE millrace_deliveries (
    place int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ${partition}, endpoint ${text} NOT NULL, key ${text} NOT NULL,
    id ${text} NOT NULL, id_hash bytea NOT NULL, flow ${text} NOT NULL, ordered bool NOT NULL, waits bool NOT NULL,
    attempts int4 NOT NULL, due_at int8, pause int8 NOT NULL DEFAULT 0, asked_at int8 NOT NULL, url text, traceparent text, body text NOT NULL,
    UNIQUE (pipeline, slice, endpoint, key, id_hash)
  );
  CREATE INDEX ON millrace_deliveries (pipeline, slice, endpoint, due_at, place) WHERE NOT waits;
  CREATE INDEX ON millrace_deliveries (pipeline, slice, endpoint, flow, due_at, place) WHERE NOT waits;
  CREATE INDEX ON millrace_deliveries (pipeline, slice, endpoint, key, place) WHERE ordered;
  CREATE TABLE millrace_dead_letters (
    id ${text} PRIMARY KEY, ${partition}, key ${text} NOT NULL, reason text NOT NULL, failed_at int8 NOT NULL, attempts int4 NOT NULL,
    position int8, "order" int8, number_from int8, number_to int8, parked int4 NOT NULL, timer_name text, timer_due_at int8,
    timer_data text, outcome text, delivery text, origin ${text}, stack text, resolved bool NOT NULL
  );
  CREATE INDEX ON millrace_dead_letters (pipeline, slice, position) WHERE position IS NOT NULL;
  CREATE INDEX ON millrace_dead_letters (pipeline, slice, key) WHERE number_from IS NOT NULL;
  CREATE INDEX ON millrace_dead_letters USING hash (origin) WHERE origin IS NOT NULL;
  CREATE INDEX ON millrace_dead_letters (id) WHERE NOT resolved;
  CREATE INDEX ON millrace_dead_letters (pipeline, id) WHERE NOT resolved;
  CREATE INDEX ON millrace_dead_letters (key, id) WHERE NOT resolved;
  CREATE INDEX ON millrace_dead_letters (pipeline, key, id) WHERE NOT resolved;
  CREATE FUNCTION millrace_now() RETURNS int8 LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8
  $$;
  CREATE FUNCTION millrace_fence(pipelines text[], slices int4[], epochs int8[]) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    stale text;
  BEGIN
    PERFORM 1 FROM millrace_fences AS fence JOIN unnest(pipelines, slices) AS own (pipeline, slice) USING (pipeline, slice)
      ORDER BY fence.pipeline, fence.slice FOR UPDATE OF fence;
    SELECT string_agg(own.pipeline || '/' || own.slice, ', ') INTO stale
      FROM unnest(pipelines, slices, epochs) AS own (pipeline, slice, epoch) LEFT JOIN millrace_fences AS fence USING (pipeline, slice)
      WHERE fence.epoch IS DISTINCT FROM own.epoch;
    IF stale IS NOT NULL THEN
      RAISE EXCEPTION 'partition %: expected a commit of the latest lease, found one that is over', stale USING ERRCODE = '${fencedState}';
    END IF;
  END $$`;

/** Number of places before a row in which its trigger looks for other waiting rows. */
const lookBack = 200;

/**
 * The trigger notifies only for a row with no earlier waiting row of its pipeline, as far as its transaction can see: a notification takes
 * a database-wide lock at commit, and rows that follow others are found together with those. It looks only a short way back: deleted rows
 * remain in the index until they are cleaned up, which a session idle in a transaction prevents, and inserts must not become slower each
 * time. If one waits farther back, which is rare, there is one notification too many.
 *
 * The trigger runs with the owner's rights, so nothing created by the writer, least of all a temporary table, may stand for a name in it.
 */
const inboxTrigger = `
  CREATE OR REPLACE FUNCTION millrace_inbox_grown() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET enable_seqscan = off AS $$
  BEGIN
    PERFORM pg_notify('${inboxChannel}', '') WHERE EXISTS (
      SELECT FROM (SELECT pipeline, min(place) AS place FROM added GROUP BY pipeline) AS first
      WHERE NOT EXISTS (SELECT FROM millrace_inbox AS before WHERE before.pipeline = first.pipeline AND before.place < first.place
        AND before.place >= first.place - ${lookBack} OFFSET 0));
    RETURN NULL;
  END $$;
  DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION millrace_inbox_grown() SET search_path = pg_catalog, %I, pg_temp', current_schema());
  END $$;`;

/**
 * The table into which other programs insert, with no right other than to insert. A place is assigned at insertion, so a row inserted after
 * another has committed comes after it.
 */
const inbox = `
  CREATE TABLE millrace_inbox (
    place int8 GENERATED ALWAYS AS IDENTITY, pipeline ${text} NOT NULL, event text NOT NULL, id ${text}, traceparent text,
    PRIMARY KEY (pipeline, place)
  );
  ${inboxTrigger}
  CREATE TRIGGER millrace_inbox_grown AFTER INSERT ON millrace_inbox REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION millrace_inbox_grown()`;

/** Commands to the owners of partitions, and their answers. After `until` nobody waits any more. */
const commands = `
  CREATE TABLE millrace_commands (id ${text} PRIMARY KEY, ${partition}, body text NOT NULL, until int8 NOT NULL, answer text)`;

/**
 * Parked and retried keys are rare: indexes of only these cost others nothing, and do not affect updates that leave the columns unchanged.
 */
const keyIndexes = `
  CREATE INDEX ON millrace_keys (pipeline, slice, key) WHERE parked;
  CREATE INDEX ON millrace_held (pipeline, slice, key) WHERE attempts > 0;
  CREATE INDEX ON millrace_causes (pipeline, slice, key) WHERE attempts > 0`;

/** Operators' actions. */
const audit = `
  CREATE TABLE millrace_audit (
    id ${text} PRIMARY KEY, at int8 NOT NULL, who text, action text NOT NULL, pipeline ${text} NOT NULL, key ${text}, subject text, reason text
  );
  CREATE INDEX ON millrace_audit (at);
  CREATE INDEX ON millrace_audit (pipeline, id)`;

/** Dead-letter operations, and their progress. */
const operations = `
  CREATE TABLE millrace_operations (
    id ${text} PRIMARY KEY, action text NOT NULL, pipeline ${text} NOT NULL, filter text NOT NULL, who text, reason text, asked_at int8 NOT NULL,
    starts_at int8 NOT NULL, state ${text} NOT NULL, begun_at int8, ended_at int8, matched int8 NOT NULL, up_to ${text}, reached ${text} NOT NULL,
    done int8 NOT NULL, refused int8 NOT NULL
  );
  CREATE INDEX ON millrace_operations (id) WHERE state IN ('starting', 'running')`;

/** The columns by which dead letters are found and grouped. Null for those of processes of an earlier version. */
const reasons = `
  ALTER TABLE millrace_dead_letters ADD COLUMN kind ${text}, ADD COLUMN reason_hash ${text};
  CREATE INDEX ON millrace_dead_letters (reason_hash, id) WHERE NOT resolved;
  CREATE INDEX ON millrace_dead_letters (pipeline, kind, reason_hash, failed_at, id) WHERE NOT resolved`;
/** The reason and time of a delivery's last failed call. */
const failures = 'ALTER TABLE millrace_deliveries ADD COLUMN IF NOT EXISTS failure text, ADD COLUMN IF NOT EXISTS failed_at int8';

/** The positions at which pipelines continue reading the topics of brokers. */
const sourceOffsets = `
  CREATE TABLE IF NOT EXISTS millrace_source_offsets (
    pipeline ${text} NOT NULL, source ${text} NOT NULL, topic_id ${text} NOT NULL, "partition" int8 NOT NULL, next int8 NOT NULL,
    PRIMARY KEY (pipeline, source, topic_id, "partition")
  ) WITH (fillfactor = 50)`;

/** The parameters of a database's tables. */
export interface SchemaOptions {
  readonly pipelines: readonly string[];
  /** Slices per pipeline. */
  readonly partitions: number;
  /** For messages. */
  readonly name: string;
}

/**
 * Returns the statements that create the missing ones of the engine's own tables, and bring older ones up to date; nothing is changed yet.
 * Throws `MILL_TABLE_CHANGED` for tables of an unknown version, and `MILL_INVALID_CONFIGURATION` if the number of slices differs from the
 * database's.
 */
export async function missingSchema(transaction: Transaction, options: SchemaOptions): Promise<readonly Statement[]> {
  const { pipelines, partitions, name } = options;
  const meta = await metaOf(transaction);
  const isNew = meta.size === 0;
  if (!isNew) {
    checkVersion(meta.get('schema_version'), name, schemaVersions);
    checkPartitions(meta.get('partitions'), { partitions, name });
  }
  const known = isNew ? [] : (await transaction.run(plain('SELECT pipeline FROM millrace_pipelines'))).rows;
  const there = new Set(known.map(([pipeline]) => pipeline));
  const own = isNew ? sharedSchema(partitions) : await migration(transaction, Number(meta.get('schema_version')));
  const madeOf = (pipeline: string) => pipelineSchema(pipeline, partitions);
  return [...own, ...pipelines.filter((pipeline) => !there.has(pipeline)).flatMap(madeOf)];
}

function plain(statements: string): Statement {
  return { text: statements, values: [] };
}

function sharedSchema(partitions: number): readonly Statement[] {
  const text = "INSERT INTO millrace_meta VALUES ('schema_version', $1), ('partitions', $2)";
  return [
    plain(sharedTables),
    plain(inbox),
    plain(commands),
    plain(keyIndexes),
    plain(audit),
    plain(operations),
    plain(reasons),
    plain(failures),
    plain(sourceOffsets),
    plain(blockTables),
    plain(blockColumn),
    { text, values: [String(schemaVersion), String(partitions)] },
  ];
}

/**
 * Version 1 had no inbox, version 2 no commands, version 3's trigger searched the whole inbox, version 4 had no indexes of parked or
 * retried keys, version 5 had no audit, and version 6 no operations, source offsets or blocks. Processes of an earlier version continue to
 * use the tables they know.
 */
async function migration(transaction: Transaction, found: number): Promise<readonly Statement[]> {
  if (found === schemaVersion) return [];
  const hashes = await missingHashes(transaction);
  const text = "UPDATE millrace_meta SET value = $1 WHERE name = 'schema_version'";
  return [
    ...(found < 4 ? [plain(found < 2 ? inbox : inboxTrigger)] : []),
    ...(found < 3 ? [plain(commands)] : []),
    ...(found < 5 ? [plain(keyIndexes)] : []),
    ...(found < 6 ? [plain(audit)] : []),
    plain(operations),
    plain(reasons),
    ...hashes,
    plain(failures),
    plain(sourceOffsets),
    plain(blockTables),
    plain(blockColumn),
    { text, values: [String(schemaVersion)] },
  ];
}

/** Returns whether another process has created a table since we looked: `IF NOT EXISTS` does not wait for it. */
export function isMadeTwice(thrown: unknown): boolean {
  return ['23505', '42P07'].includes(stateOf(thrown) ?? '');
}

/**
 * Lets one process at a time create tables: the lock is on the table that holds their version, which is created first. No working process
 * waits for it.
 */
export async function lockSchema(transaction: Transaction): Promise<void> {
  for (const statement of await missingMeta(transaction)) await transaction.run(statement);
  await transaction.run(plain('LOCK TABLE millrace_meta IN SHARE ROW EXCLUSIVE MODE'));
}

/** Returns the statement that creates the table with the version of the others, if it is missing. */
export async function missingMeta(transaction: Transaction): Promise<readonly Statement[]> {
  if (await hasMeta(transaction)) return [];
  return [plain(`CREATE TABLE IF NOT EXISTS millrace_meta (name ${text} PRIMARY KEY, value text NOT NULL)`)];
}

/** Returns the metadata of a database's tables; empty if there are none. */
export async function metaOf(transaction: Transaction): Promise<ReadonlyMap<unknown, unknown>> {
  if (!(await hasMeta(transaction))) return new Map();
  const { rows } = await transaction.run(plain('SELECT name, value FROM millrace_meta'));
  return new Map(rows.map(([key, value]) => [key, value]));
}

async function hasMeta({ run }: Transaction): Promise<boolean> {
  return (await run(plain("SELECT to_regclass('millrace_meta') IS NOT NULL"))).rows[0]?.[0] === 1;
}

/** Ids are deleted by their moments, which is also their order in the table: the range index costs an append nothing. */
function pipelineSchema(pipeline: string, slices: number): readonly Statement[] {
  const { log, ids } = tablesOf(pipeline);
  const all = 'SELECT $1, slice FROM generate_series(0, $2::int4 - 1) AS slice';
  return [
    plain(`CREATE TABLE ${log} (
      slice int4 NOT NULL, position int8 NOT NULL, key ${text} NOT NULL, id ${text} NOT NULL, number int8, accepted_at int8 NOT NULL,
      body text NOT NULL, traceparent text, origin ${text}, flight int8 NOT NULL, PRIMARY KEY (slice, position)
    );
    CREATE INDEX ON ${log} USING hash (origin) WHERE origin IS NOT NULL;
    CREATE TABLE ${ids} (slice int4 NOT NULL, id ${text} NOT NULL, accepted_at int8 NOT NULL, PRIMARY KEY (slice, id));
    CREATE INDEX ON ${ids} USING brin (accepted_at)`),
    { text: 'INSERT INTO millrace_pipelines (pipeline) VALUES ($1)', values: [pipeline] },
    { text: `INSERT INTO millrace_heads ${all}`, values: [pipeline, slices] },
    {
      text: `INSERT INTO millrace_fences SELECT pipeline, slice, 0, NULL FROM (${all}) AS new (pipeline, slice)`,
      values: [pipeline, slices],
    },
  ];
}
