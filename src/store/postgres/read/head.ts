import type { Statement } from '../../sql/connection/statement.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';

/**
 * Returns an expression for the highest position of a log, at least the cursor. Deleted events are settled, so nothing at or below the
 * cursor is examined: there an index leads past deleted rows that cannot be cleaned up while some session might see them, however many they
 * are.
 *
 * @param log the table
 * @param slice an expression
 * @param cursor an expression that is never null
 */
export function headOf(log: string, slice: string, cursor: string): string {
  return `greatest(${cursor}, (SELECT max(position) FROM ${log} AS log WHERE log.slice = ${slice} AND log.position > ${cursor}))`;
}

/** Returns the slices of a pipeline that a process owns, with the highest position of each. */
export function ownedHeads(pipeline: string, process: string): Statement {
  return {
    text: `SELECT slice, ${headOf(tablesOf(pipeline).log, 'owned.slice', 'cursor')} FROM (
        SELECT slice, coalesce(
          (SELECT max(cursor) FROM millrace_cursors AS settled WHERE settled.pipeline = $1 AND settled.slice = fence.slice), 0) AS cursor
        FROM millrace_fences AS fence WHERE pipeline = $1 AND owner = $2 OFFSET 0
      ) AS owned`,
    values: [pipeline, process],
  };
}
