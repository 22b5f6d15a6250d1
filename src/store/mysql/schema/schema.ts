import type { Transaction } from '../../sql/connection/connections.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import { checkPartitions, checkVersion, type SchemaVersions } from '../../sql/schema/check-tables.ts';
import { missingHashes } from '../../sql/schema/missing-hashes.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import { blockColumn, blockColumnFound, blockTables } from './timeline-tables.ts';

/** Raise it with every change to the tables below, and migrate from the previous version. */
export const schemaVersion = 4;

export const schemaVersions: SchemaVersions = { present: schemaVersion, oldest: 1 };

/**
 * Keys, ids and names, compared and ordered by their bytes, as in every store. An index entry has at most 3,072 bytes: a key of 2,048 plus
 * the names of a pipeline and an endpoint, a hash and some numbers. A name that may be longer is keyed by its hash.
 */
const key = 'VARBINARY(2048)';
const name = 'VARBINARY(64)';
const endpoint = 'VARBINARY(255)';
/** `key 〈key〉` or `address 〈address〉`, the latter of at most 256 characters. */
const flow = 'VARBINARY(2100)';
const hash = 'BINARY(32)';
const partition = `pipeline ${name} NOT NULL, slice INT NOT NULL`;

/** An index of the parked keys. It cannot leave the others out. */
const indexOfParked = 'INDEX by_parked (pipeline, slice, parked, "key")';

/** Operators' actions. */
const auditTable = `id VARBINARY(255) PRIMARY KEY, at BIGINT NOT NULL, who LONGTEXT, action ${name} NOT NULL, pipeline ${name} NOT NULL, "key" ${key},
    subject LONGTEXT, reason LONGTEXT, INDEX (at), INDEX (pipeline, id)`;

/** Dead-letter operations, and their progress. */
const operationsTable = `id VARBINARY(255) PRIMARY KEY, action ${name} NOT NULL, pipeline ${name} NOT NULL, filter LONGTEXT NOT NULL, who LONGTEXT,
    reason LONGTEXT, asked_at BIGINT NOT NULL, starts_at BIGINT NOT NULL, state ${name} NOT NULL, begun_at BIGINT, ended_at BIGINT,
    matched BIGINT NOT NULL, up_to VARBINARY(255), reached VARBINARY(255) NOT NULL, done BIGINT NOT NULL, refused BIGINT NOT NULL, INDEX (state, id)`;

/** The columns by which dead letters are found and grouped. Null for those of processes of an earlier version. */
const reasonColumns = [`kind ${name}`, `reason_hash ${name}`];
const reasonIndexes = [
  'INDEX by_reason (resolved, reason_hash, id)',
  'INDEX by_group (resolved, pipeline, kind, reason_hash, failed_at, id)',
];
/** The reason and time of a delivery's last failed call. */
const failureColumns = ['failure LONGTEXT', 'failed_at BIGINT'];

/** The positions at which pipelines continue reading the topics of brokers. */
const sourceOffsetsTable = `pipeline ${name} NOT NULL, source ${endpoint} NOT NULL, topic_id ${endpoint} NOT NULL, "partition" BIGINT NOT NULL,
    next BIGINT NOT NULL, PRIMARY KEY (pipeline, source, topic_id, "partition")`;

/**
 * The tables shared by all pipelines, by name without `millrace_`: the same as in PostgreSQL, with the same meaning
 * (`postgres/schema/schema.ts`).
 */
const sharedTables: Readonly<Record<string, string>> = {
  pipelines: `pipeline ${name} PRIMARY KEY, paused TINYINT(1) NOT NULL DEFAULT 0`,
  state_shapes: `pipeline ${name} NOT NULL, version BIGINT NOT NULL, shape ${endpoint} NOT NULL, PRIMARY KEY (pipeline, version, shape)`,
  processes: `id ${name} PRIMARY KEY, until BIGINT NOT NULL, since BIGINT NOT NULL, host TEXT NOT NULL, pid INT NOT NULL, version TEXT NOT NULL,
    pipelines LONGTEXT NOT NULL`,
  fences: `${partition}, epoch BIGINT NOT NULL, owner ${name}, PRIMARY KEY (pipeline, slice), INDEX (owner)`,
  heads: `${partition}, PRIMARY KEY (pipeline, slice)`,
  cursors: `${partition}, "cursor" BIGINT NOT NULL, PRIMARY KEY (pipeline, slice, "cursor")`,
  keys: `${partition}, "key" ${key} NOT NULL, state LONGTEXT, state_version BIGINT, next BIGINT, parked TINYINT(1) NOT NULL, block BIGINT,
    PRIMARY KEY (pipeline, slice, "key"), ${indexOfParked}`,
  held: `${partition}, "key" ${key} NOT NULL, "order" BIGINT NOT NULL, position BIGINT NOT NULL, attempts INT NOT NULL, retry_at BIGINT,
    PRIMARY KEY (pipeline, slice, "key", "order")`,
  gaps: `${partition}, "key" ${key} NOT NULL, next BIGINT NOT NULL, "first" BIGINT NOT NULL, since BIGINT NOT NULL,
    PRIMARY KEY (pipeline, slice, "key"), INDEX (pipeline, slice, since, "key")`,
  causes: `${partition}, "key" ${key} NOT NULL, kind ${name} NOT NULL, name LONGTEXT NOT NULL, id LONGTEXT NOT NULL, name_hash ${hash} NOT NULL,
    due_at BIGINT NOT NULL, data LONGTEXT, attempts INT NOT NULL, retry_at BIGINT, PRIMARY KEY (pipeline, slice, "key", name_hash),
    INDEX (pipeline, slice, due_at)`,
  deliveries: `place BIGINT AUTO_INCREMENT PRIMARY KEY, ${partition}, endpoint ${endpoint} NOT NULL, "key" ${key} NOT NULL, id LONGTEXT NOT NULL,
    id_hash ${hash} NOT NULL, flow ${flow} NOT NULL, ordered TINYINT(1) NOT NULL, waits TINYINT(1) NOT NULL, attempts INT NOT NULL, due_at BIGINT,
    pause BIGINT NOT NULL DEFAULT 0, asked_at BIGINT NOT NULL, url LONGTEXT, traceparent LONGTEXT, body LONGTEXT NOT NULL,
    ${failureColumns.join(', ')}, UNIQUE INDEX by_name (pipeline, slice, endpoint, "key", id_hash), INDEX (pipeline, slice, endpoint, waits, due_at, place),
    INDEX (pipeline, slice, endpoint, waits, flow, due_at, place), INDEX by_line (pipeline, slice, endpoint, "key", ordered, place)`,
  dead_letters: `id VARBINARY(255) PRIMARY KEY, ${partition}, "key" ${key} NOT NULL, reason LONGTEXT NOT NULL, failed_at BIGINT NOT NULL,
    attempts INT NOT NULL, position BIGINT, "order" BIGINT, number_from BIGINT, number_to BIGINT, parked INT NOT NULL, timer_name LONGTEXT,
    timer_due_at BIGINT, timer_data LONGTEXT, outcome LONGTEXT, delivery LONGTEXT, origin LONGTEXT, origin_hash ${hash}, stack LONGTEXT,
    resolved TINYINT(1) NOT NULL, ${[...reasonColumns, ...reasonIndexes].join(', ')}, INDEX (pipeline, slice, position), INDEX (pipeline, slice, "key", number_from), INDEX (origin_hash),
    INDEX (resolved, id), INDEX (resolved, pipeline, id), INDEX (resolved, "key", id), INDEX (resolved, pipeline, "key", id)`,
  commands: `id VARBINARY(255) PRIMARY KEY, ${partition}, body LONGTEXT NOT NULL, until BIGINT NOT NULL, answer LONGTEXT, INDEX (pipeline, slice)`,
  audit: auditTable,
  operations: operationsTable,
  source_offsets: sourceOffsetsTable,
  ...blockTables(partition, key),
  // Other programs write it in their own sessions' character sets, so its columns are texts.
  inbox: `place BIGINT AUTO_INCREMENT PRIMARY KEY, pipeline VARCHAR(255) NOT NULL, event LONGTEXT NOT NULL, id LONGTEXT, traceparent LONGTEXT,
    INDEX (pipeline, place)`,
};

/** The names that servers give to indexes without a name above: that of the first column, with a numeric suffix if there are several. */
export const indexes = {
  dueCauses: 'pipeline',
  dueDeliveries: 'pipeline',
  deliveriesOfFlows: 'pipeline_2',
  inbox: 'pipeline',
  ids: 'slice',
  parkedKeys: 'by_parked',
} as const;

/** Returns the table options for storing rows and texts. */
export function tableOptions(collation: string): string {
  return `ENGINE = InnoDB ROW_FORMAT = DYNAMIC CHARACTER SET = utf8mb4 COLLATE = ${collation}`;
}

/** Returns a collation by bytes in which trailing spaces count: both servers' `utf8mb4_bin` ignores them. */
export async function collationOf({ run }: Transaction): Promise<string> {
  const { rows } = await run({ text: 'SELECT VERSION()', values: [] });
  return /mariadb/i.test(String(rows[0]?.[0])) ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
}

/** The parameters of a database's tables. */
export interface SchemaOptions {
  readonly pipelines: readonly string[];
  /** Slices per pipeline. */
  readonly partitions: number;
  /** For messages. */
  readonly name: string;
}

/**
 * Returns the statements that create the missing ones of the engine's own tables. Each commits by itself and can be repeated; the version
 * is written last. Throws `MILL_TABLE_CHANGED` for tables of an unknown version, and `MILL_INVALID_CONFIGURATION` if the number of slices
 * differs from the database's.
 */
export async function missingSchema(transaction: Transaction, options: SchemaOptions): Promise<readonly Statement[]> {
  const { pipelines, partitions, name: database } = options;
  const collation = await collationOf(transaction);
  const meta = await metaOf(transaction);
  const isNew = !meta.has('schema_version');
  if (!isNew) {
    checkVersion(meta.get('schema_version'), database, schemaVersions);
    checkPartitions(meta.get('partitions'), { partitions, name: database });
  }
  const known = isNew ? [] : (await transaction.run({ text: 'SELECT pipeline FROM millrace_pipelines', values: [] })).rows;
  const there = new Set(known.map(([pipeline]) => pipeline));
  const missing = pipelines.filter((pipeline) => !there.has(pipeline));
  return [
    ...(isNew
      ? sharedSchema(collation, partitions)
      : await migration(transaction, { found: Number(meta.get('schema_version')), collation })),
    ...missing.flatMap((pipeline) => pipelineSchema(pipeline, { collation, slices: partitions })),
  ];
}

/**
 * Version 1 had no index of parked keys, version 2 no audit, version 3 no operations, source offsets, blocks or delivery failures.
 * Processes of an earlier version continue to use the tables they know.
 */
async function migration(
  { run }: Transaction,
  { found, collation }: { readonly found: number; readonly collation: string },
): Promise<readonly Statement[]> {
  if (found === schemaVersion) return [];
  const index =
    "SELECT 1 FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'millrace_keys' AND index_name = 'by_parked'";
  const hasIndex = (await run({ text: index, values: [] })).rows.length > 0;
  const columns =
    "SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'millrace_dead_letters' AND column_name = 'kind'";
  const hasReasons = (await run({ text: columns, values: [] })).rows.length > 0;
  const added = [...reasonColumns.map((column) => `ADD COLUMN ${column}`), ...reasonIndexes.map((index) => `ADD ${index}`)];
  const failures =
    "SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'millrace_deliveries' AND column_name = 'failure'";
  const hasFailures = (await run({ text: failures, values: [] })).rows.length > 0;
  const hasBlock = (await run({ text: blockColumnFound, values: [] })).rows.length > 0;
  const blocks = Object.entries(blockTables(partition, key));
  return [
    ...(hasIndex ? [] : [{ text: `ALTER TABLE millrace_keys ADD ${indexOfParked}`, values: [] }]),
    { text: `CREATE TABLE IF NOT EXISTS millrace_audit (${auditTable}) ${tableOptions(collation)}`, values: [] },
    { text: `CREATE TABLE IF NOT EXISTS millrace_operations (${operationsTable}) ${tableOptions(collation)}`, values: [] },
    ...(hasReasons ? [] : [{ text: `ALTER TABLE millrace_dead_letters ${added.join(', ')}`, values: [] }]),
    ...(await missingHashes({ run })),
    ...(hasFailures
      ? []
      : [{ text: `ALTER TABLE millrace_deliveries ${failureColumns.map((column) => `ADD COLUMN ${column}`).join(', ')}`, values: [] }]),
    { text: `CREATE TABLE IF NOT EXISTS millrace_source_offsets (${sourceOffsetsTable}) ${tableOptions(collation)}`, values: [] },
    ...blocks.map(([table, columns]) => ({
      text: `CREATE TABLE IF NOT EXISTS millrace_${table} (${columns}) ${tableOptions(collation)}`,
      values: [],
    })),
    ...(hasBlock ? [] : [{ text: blockColumn, values: [] }]),
    { text: "UPDATE millrace_meta SET value = $1 WHERE name = 'schema_version'", values: [String(schemaVersion)] },
  ];
}

/** Returns the metadata of a database's tables; empty if there are none. */
export async function metaOf({ run }: Transaction): Promise<ReadonlyMap<unknown, unknown>> {
  if (!(await isThere({ run }, 'millrace_meta'))) return new Map();
  const { rows } = await run({ text: 'SELECT name, value FROM millrace_meta', values: [] });
  return new Map(rows.map(([key, value]) => [key, value]));
}

async function isThere({ run }: Transaction, table: string): Promise<boolean> {
  const text = 'SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = $1';
  return (await run({ text, values: [table] })).rows.length > 0;
}

function sharedSchema(collation: string, partitions: number): readonly Statement[] {
  const meta = { meta: `name ${endpoint} PRIMARY KEY, value TEXT NOT NULL` };
  const tables = Object.entries({ ...sharedTables, ...meta }).map(([table, columns]) => ({
    text: `CREATE TABLE IF NOT EXISTS millrace_${table} (${columns}) ${tableOptions(collation)}`,
    values: [],
  }));
  const text = "INSERT INTO millrace_meta VALUES ('schema_version', $1), ('partitions', $2) ON DUPLICATE KEY UPDATE value = VALUES(value)";
  return [...tables, { text, values: [String(schemaVersion), String(partitions)] }];
}

/** Returns the tables of one pipeline. Ids are deleted by their moments. */
function pipelineSchema(
  pipeline: string,
  { collation, slices }: { readonly collation: string; readonly slices: number },
): readonly Statement[] {
  const { log, ids } = tablesOf(pipeline);
  const all = Array.from({ length: slices }, (_, slice) => slice);
  const plain = (text: string): Statement => ({ text, values: [] });
  const rows = (values: string) => all.map((slice) => `($1, ${slice}${values})`).join(', ');
  return [
    plain(`CREATE TABLE IF NOT EXISTS ${log} (
      slice INT NOT NULL, position BIGINT NOT NULL, "key" ${key} NOT NULL, id LONGTEXT NOT NULL, number BIGINT, accepted_at BIGINT NOT NULL,
      body LONGTEXT NOT NULL, traceparent LONGTEXT, origin LONGTEXT, origin_hash ${hash}, flight BIGINT NOT NULL, PRIMARY KEY (slice, position),
      INDEX (origin_hash)
    ) ${tableOptions(collation)}`),
    plain(`CREATE TABLE IF NOT EXISTS ${ids} (
      slice INT NOT NULL, id ${key} NOT NULL, accepted_at BIGINT NOT NULL, PRIMARY KEY (slice, id), INDEX (slice, accepted_at)
    ) ${tableOptions(collation)}`),
    { text: `INSERT INTO millrace_heads VALUES ${rows('')} ON DUPLICATE KEY UPDATE slice = VALUES(slice)`, values: [pipeline] },
    { text: `INSERT INTO millrace_fences VALUES ${rows(', 0, NULL')} ON DUPLICATE KEY UPDATE slice = VALUES(slice)`, values: [pipeline] },
    {
      text: 'INSERT INTO millrace_pipelines (pipeline) VALUES ($1) ON DUPLICATE KEY UPDATE pipeline = VALUES(pipeline)',
      values: [pipeline],
    },
  ];
}
