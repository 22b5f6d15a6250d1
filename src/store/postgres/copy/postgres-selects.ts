import type { PartDialect, PartSelect } from '../../copy/part-select.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import { literal, quoteAll } from '../../tables/sql-text.ts';

/** The queries for the parts of a database. */
export const partDialect: PartDialect = {
  quoteAll,
  slice: 'slice',
  rowPlace: () => 'ctid',
  paused: 'millrace_pipelines WHERE paused',
  from: (kind, pipeline) => `millrace_${kind === 'letters' ? 'dead_letters' : kind} WHERE pipeline = ${literal(pipeline)}`,
  // Slices are merged by the moments of their events. The clocks of processes may differ: within a slice only the position counts.
  log(pipeline) {
    const { log } = tablesOf(pipeline);
    const name = literal(pipeline);
    return {
      columns: `log.slice, log.position, log.key, log.id, log.number, log.accepted_at, log.body, log.traceparent, log.origin,
        log.position <= coalesce(settled.cursor, 0), held.attempts, held.retry_at,
        coalesce((SELECT json_agg(letter.id ORDER BY letter.id) FROM millrace_dead_letters AS letter
          WHERE letter.pipeline = ${name} AND letter.slice = log.slice AND letter.position = log.position), '[]')::text`,
      from: `${log} AS log
        LEFT JOIN (SELECT slice, max(cursor) AS cursor FROM millrace_cursors WHERE pipeline = ${name} GROUP BY slice) AS settled
          ON settled.slice = log.slice
        LEFT JOIN millrace_held AS held ON held.pipeline = ${name} AND held.slice = log.slice AND held.key = log.key
          AND held."order" = coalesce(log.number, log.position) AND held.position = log.position`,
      order: `log.position <= coalesce(settled.cursor, 0) DESC,
        max(log.accepted_at) OVER (PARTITION BY log.slice ORDER BY log.position), log.slice, log.position`,
    };
  },
  ids: (pipeline) => ({ columns: 'slice, 0, id, accepted_at, NULL::text', from: tablesOf(pipeline).ids, order: 'accepted_at, id, slice' }),
};

/** Returns the chosen ids of a database whose slices are not kept: an id is known once, however many slices know it. */
export function idsAcrossSlices(pipeline: string): PartSelect {
  const { ids } = tablesOf(pipeline);
  return {
    columns: '0, 0, id, max(accepted_at), NULL::text',
    from: `${ids} GROUP BY id`,
    order: 'max(accepted_at), id',
    counted: `SELECT count(DISTINCT id) FROM ${ids}`,
  };
}
