import type { DatabaseSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';
import { quote } from '../../tables/sql-text.ts';

/**
 * The tables of one pipeline, quoted. Each pipeline has its own, so that its log grows at the right edge of its tree and is pruned
 * separately.
 */
export interface PipelineTables {
  readonly log: string;
  readonly keys: string;
  readonly held: string;
  readonly gaps: string;
  readonly causes: string;
  readonly deliveries: string;
  readonly ids: string;
  readonly idBuckets: string;
}

export function tablesOf(pipeline: string): PipelineTables {
  return {
    log: quote(`millrace_log_${pipeline}`),
    keys: quote(`millrace_keys_${pipeline}`),
    held: quote(`millrace_held_${pipeline}`),
    gaps: quote(`millrace_gaps_${pipeline}`),
    causes: quote(`millrace_causes_${pipeline}`),
    deliveries: quote(`millrace_deliveries_${pipeline}`),
    ids: quote(`millrace_ids_${pipeline}`),
    idBuckets: quote(`millrace_id_buckets_${pipeline}`),
  };
}

/** Returns the pipelines with a table that has this prefix, declared or not, in name order. */
export function pipelinesOf(db: DatabaseSync, prefix = 'millrace_log_'): readonly string[] {
  const tables = new Select<[name: string]>(
    db,
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, length(?1)) = ?1 ORDER BY name",
  );
  return tables.all(prefix).map(([name]) => name.slice(prefix.length));
}
