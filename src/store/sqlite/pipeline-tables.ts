import { quote } from './sql-columns.ts';

/** The tables of one pipeline, quoted. Each pipeline has its own, so that its log grows at its right edge and is pruned by itself. */
export interface PipelineTables {
  readonly log: string;
  readonly keys: string;
  readonly held: string;
  readonly timers: string;
  readonly deliveries: string;
  readonly ids: string;
  readonly idBuckets: string;
}

export function tablesOf(pipeline: string): PipelineTables {
  return {
    log: quote(`millrace_log_${pipeline}`),
    keys: quote(`millrace_keys_${pipeline}`),
    held: quote(`millrace_held_${pipeline}`),
    timers: quote(`millrace_timers_${pipeline}`),
    deliveries: quote(`millrace_deliveries_${pipeline}`),
    ids: quote(`millrace_ids_${pipeline}`),
    idBuckets: quote(`millrace_id_buckets_${pipeline}`),
  };
}
