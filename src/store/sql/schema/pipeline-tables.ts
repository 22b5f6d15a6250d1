import { quote } from '../../tables/sql-text.ts';

/** The tables of one pipeline, quoted. What grows with every event is each pipeline's own, and is vacuumed and dropped by itself. */
export interface PipelineTables {
  readonly log: string;
  readonly ids: string;
}

export function tablesOf(pipeline: string): PipelineTables {
  return { log: quote(`millrace_log_${pipeline}`), ids: quote(`millrace_ids_${pipeline}`) };
}
