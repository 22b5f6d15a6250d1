import { quote } from '../../tables/sql-text.ts';

/**
 * The tables of one pipeline, quoted. Tables that grow with every event are separate for each pipeline, and vacuumed and dropped
 * separately.
 */
export interface PipelineTables {
  readonly log: string;
  readonly ids: string;
}

export function tablesOf(pipeline: string): PipelineTables {
  return { log: quote(`millrace_log_${pipeline}`), ids: quote(`millrace_ids_${pipeline}`) };
}
