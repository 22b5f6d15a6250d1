import type { Flight } from '../../sql/connection/flight.ts';
import type { Column } from '../../sql/write/columns.ts';
import { isSame, jsonOf, jsonTable } from '../read/json-rows.ts';

/** Returns the index that identifies rows. */
export function indexOf(table: string): string {
  return table === 'millrace_deliveries' ? 'by_name' : 'PRIMARY';
}

/**
 * Counts existing rows per partition: the statement that writes them does not report which it found. Only the owner, whose fence is locked,
 * writes them.
 */
export function addCount(
  flight: Flight,
  table: string,
  columns: readonly Column[],
  counted: (pipeline: string, slice: number, there: number) => void,
): void {
  const text = `SELECT asked.pipeline, asked.slice, COUNT(present.pipeline) FROM ${jsonTable('$1', columns)} AS asked
    LEFT JOIN ${table} AS present FORCE INDEX (${indexOf(table)}) ON ${isSame('present', 'asked', columns)} GROUP BY asked.pipeline, asked.slice`;
  flight.add({ text, values: [jsonOf(columns)] }, ({ rows }) => {
    for (const [pipeline, slice, there] of rows) counted(String(pipeline), Number(slice), Number(there));
  });
}
