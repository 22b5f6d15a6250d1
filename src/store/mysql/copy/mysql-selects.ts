import type { PartDialect, PartSelect } from '../../copy/part-select.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import { quoteAll } from '../../tables/sql-text.ts';
import { literal } from '../connection/literals.ts';

/** LIMIT has no word for all rows. */
export const allRows = '18446744073709551615';

/** The queries for the parts of a database. */
export const partDialect: PartDialect = {
  quoteAll,
  slice: 'slice',
  // InnoDB's own identifier for such rows is not exposed. Rows equal in all columns are interchangeable.
  rowPlace: (columns) => columns,
  paused: 'millrace_pipelines WHERE paused = 1',
  from: (kind, pipeline) => `millrace_${kind === 'letters' ? 'dead_letters' : kind} WHERE pipeline = ${literal(pipeline)}`,
  // Slices are merged by the moments of their events. The clocks of processes may differ: within a slice only the position counts. The
  // places are sorted, and their limit keeps the database from sorting the bodies along with them.
  log(pipeline) {
    const { log } = tablesOf(pipeline);
    const name = literal(pipeline);
    return {
      columns: `log.slice, log.position, log."key", log.id, log.number, log.accepted_at, log.body, log.traceparent, log.origin,
        place.is_settled, held.attempts, held.retry_at,
        COALESCE((SELECT JSON_ARRAYAGG(CONVERT(letter.id USING utf8mb4)) FROM millrace_dead_letters AS letter
          WHERE letter.pipeline = ${name} AND letter.slice = log.slice AND letter.position = log.position), '[]')`,
      from: `(
          SELECT item.slice, item.position, item.moment, item.position <= COALESCE(settled."cursor", 0) AS is_settled
          FROM (${momentsOf(log)} LIMIT ${allRows}) AS item
          LEFT JOIN (SELECT slice, MAX("cursor") AS "cursor" FROM millrace_cursors WHERE pipeline = ${name} GROUP BY slice) AS settled
            ON settled.slice = item.slice
          LIMIT ${allRows}
        ) AS place
        STRAIGHT_JOIN ${log} AS log FORCE INDEX (PRIMARY) ON log.slice = place.slice AND log.position = place.position
        LEFT JOIN millrace_held AS held FORCE INDEX (PRIMARY) ON held.pipeline = ${name} AND held.slice = log.slice AND held."key" = log."key"
          AND held."order" = COALESCE(log.number, log.position) AND held.position = log.position`,
      order: 'place.is_settled DESC, place.moment, place.slice, place.position',
    };
  },
  ids: (pipeline) => ({ columns: 'slice, 0, id, accepted_at, NULL', from: tablesOf(pipeline).ids, order: 'accepted_at, id, slice' }),
};

/**
 * Returns the places of a log, with the latest moment of each slice up to there. Uses variables: for a running maximum (`MAX(…) OVER`)
 * MariaDB searches all earlier rows, row by row.
 */
function momentsOf(log: string): string {
  return `SELECT CAST(@millrace_moment := IF(@millrace_slice = log.slice, GREATEST(@millrace_moment, log.accepted_at), log.accepted_at) AS SIGNED) AS moment,
      CAST(@millrace_slice := log.slice AS SIGNED) AS slice, log.position
    FROM (SELECT @millrace_slice := NULL, @millrace_moment := 0) AS start STRAIGHT_JOIN ${log} AS log FORCE INDEX (PRIMARY)
    ORDER BY log.slice, log.position`;
}

/** Returns the chosen ids of a database whose slices are not kept: an id is known once, however many slices know it. */
export function idsAcrossSlices(pipeline: string): PartSelect {
  const { ids } = tablesOf(pipeline);
  return {
    columns: '0, 0, id, MAX(accepted_at), NULL',
    from: `${ids} GROUP BY id`,
    order: 'MAX(accepted_at), id',
    counted: `SELECT COUNT(DISTINCT id) FROM ${ids}`,
  };
}
