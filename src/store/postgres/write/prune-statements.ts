import { Flight } from '../../sql/connection/flight.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import type { PruneFloors } from '../../sql/write/prune-floors.ts';
import { answerOf, floorAfter, type Sweep } from '../../sql/write/sweep.ts';
import type { Pruned, Retention } from '../../store.ts';

/**
 * Returns statements that delete data older than a retention: a slice of the log, as many ids, and cursors that are no longer the highest.
 * It limits the rows examined, not those deleted: all of them may be held.
 *
 * @param pruned called once it has committed
 */
export function pruneFlight(retention: Retention, floors: PruneFloors, pruned: (answer: Pruned) => void): Flight {
  const { partition, acceptedBefore, idsBefore, limit } = retention;
  const { pipeline, slice } = partition;
  const { log, ids } = tablesOf(pipeline);
  const floor = floors.of(partition);
  const idsFrom = floors.idsFrom(partition, idsBefore);
  const after = Math.max(retention.after, floor.position);
  const flight = new Flight();
  const sweep: Sweep = { piece: { gone: 0, looked: 0, old: 0, last: null, left: null }, cursor: floor.cursor, ids: 0 };
  flight.add({ text: pieceText(log), values: [pipeline, slice, after, limit, acceptedBefore] }, ({ rows: [row = []] }) => {
    const [gone, looked, old] = row.map(Number);
    sweep.piece = { gone: gone ?? 0, looked: looked ?? 0, old: old ?? 0, last: orNull(row[3]), left: orNull(row[4]) };
  });
  flight.add({ text: cursorsText, values: [pipeline, slice, floor.cursor] }, ({ rows }) => {
    sweep.cursor = Math.max(floor.cursor, Number(rows[0]?.[0] ?? 0));
  });
  // A range index supports no other scans.
  flight.add({ text: 'SET LOCAL enable_bitmapscan = on', values: [] });
  flight.add({ text: idsText(ids), values: [slice, idsBefore, limit, idsFrom] }, ({ count }) => {
    sweep.ids = count;
    floors.set(partition, floorAfter(floor, sweep, { ...retention, after, idsFrom }));
    pruned(answerOf(sweep, { after, limit }));
  });
  return flight;
}

function orNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}

const cursorsText = `WITH gone AS (
    DELETE FROM millrace_cursors WHERE pipeline = $1 AND slice = $2 AND cursor > $3
      AND cursor < (SELECT max(cursor) FROM millrace_cursors WHERE pipeline = $1 AND slice = $2)
    RETURNING cursor
  ) SELECT max(cursor) FROM gone`;

function pieceText(log: string): string {
  return `WITH piece AS MATERIALIZED (
      SELECT ctid AS place, position, key, number, accepted_at < $5 AND position <= coalesce(
        (SELECT max(cursor) FROM millrace_cursors WHERE pipeline = $1 AND slice = $2), 0) AS is_old
      FROM ${log} WHERE slice = $2 AND position > $3 ORDER BY position LIMIT $4
    ), gone AS (
      DELETE FROM ${log} WHERE ctid = ANY (ARRAY(
        SELECT place FROM piece WHERE is_old
          AND NOT EXISTS (SELECT FROM millrace_held AS held WHERE held.pipeline = $1 AND held.slice = $2 AND held.key = piece.key
            AND held."order" = coalesce(piece.number, piece.position) OFFSET 0)
          AND NOT EXISTS (SELECT FROM millrace_dead_letters AS letter WHERE letter.pipeline = $1 AND letter.slice = $2
            AND letter.position = piece.position OFFSET 0)
      )) RETURNING position
    )
    SELECT (SELECT count(*) FROM gone), count(*), count(*) FILTER (WHERE is_old), max(position),
      min(position) FILTER (WHERE position NOT IN (SELECT position FROM gone)) FROM piece`;
}

/**
 * The range index finds the old ones: one that knows only the slice, which `+ 0` rules out, would lead past the whole slice. The condition
 * appears twice, for an id that is accepted again meanwhile.
 */
function idsText(ids: string): string {
  return `DELETE FROM ${ids} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${ids} WHERE slice + 0 = $1 AND accepted_at < $2 AND accepted_at >= $4 LIMIT $3))
    AND accepted_at < $2`;
}
