import { Flight, type StatementResult } from '../../sql/connection/flight.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import type { PruneFloors } from '../../sql/write/prune-floors.ts';
import { answerOf, floorAfter, type Sweep } from '../../sql/write/sweep.ts';
import type { Pruned, Retention } from '../../store.ts';
import { listed, listOf } from '../read/json-rows.ts';
import { cursorOf } from '../read/read-statements.ts';

/**
 * Statements that forget what is older than a retention: of the log a piece, of the ids as many, and cursors that are not the highest
 * any more. What it looks at is bounded, not what it forgets: all of it may be held. An old event that nothing refers to stays so: what was read of a
 * piece holds when it is deleted.
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
  flight.add({ text: pieceText(log), values: [pipeline, slice, after, limit, acceptedBefore] });
  flight.add({ text: `SELECT ${cursorOf('$1', '$2')}`, values: [pipeline, slice] });
  flight.addLater(([piece, cursor]) => {
    const places = toPlaces(piece);
    const gone = places.filter(({ isGone }) => isGone).map(({ position }) => position);
    const removal: Statement = {
      text: `DELETE gone FROM ${listed('$2', { name: 'position', kind: 'int8' })}
        STRAIGHT_JOIN ${log} AS gone FORCE INDEX (PRIMARY) ON gone.slice = $1 AND gone.position = asked.position`,
      values: [slice, listOf(gone)],
    };
    const cursors: Statement = {
      text: 'DELETE FROM millrace_cursors WHERE pipeline = $1 AND slice = $2 AND "cursor" > $3 AND "cursor" < $4',
      values: [pipeline, slice, floor.cursor, Number(cursor?.rows[0]?.[0] ?? 0)],
    };
    sweep = sweepOf(places, Math.max(floor.cursor, Number(cursor?.rows[0]?.[0] ?? 0) - 1));
    return gone.length === 0 ? [cursors] : [removal, cursors];
  });
  let sweep: Sweep = sweepOf([], floor.cursor);
  const idsText = `DELETE FROM ${ids} WHERE slice = $1 AND accepted_at < $2 AND accepted_at >= $3 ORDER BY accepted_at LIMIT $4`;
  flight.add({ text: idsText, values: [slice, idsBefore, idsFrom, limit] }, ({ count }) => {
    const whole = { ...sweep, ids: count };
    floors.set(partition, floorAfter(floor, whole, { ...retention, after, idsFrom }));
    pruned(answerOf(whole, { after, limit }));
  });
  return flight;
}

/** An event that was looked at. */
interface Place {
  readonly position: number;
  readonly isOld: boolean;
  readonly isGone: boolean;
}

function toPlaces(piece: StatementResult | undefined): readonly Place[] {
  const rows = piece?.rows ?? [];
  return rows.map(([position, isOld, isNeeded]) => ({
    position: Number(position),
    isOld: isOld === 1,
    isGone: isOld === 1 && isNeeded === 0,
  }));
}

function sweepOf(places: readonly Place[], cursor: number): Sweep {
  const piece = {
    gone: places.filter(({ isGone }) => isGone).length,
    looked: places.length,
    old: places.filter(({ isOld }) => isOld).length,
    last: places.at(-1)?.position ?? null,
    left: places.find(({ isGone }) => !isGone)?.position ?? null,
  };
  return { piece, cursor, ids: 0 };
}

function pieceText(log: string): string {
  return `SELECT piece.position, piece.accepted_at < $5 AND piece.position <= ${cursorOf('$1', '$2')},
      EXISTS (SELECT 1 FROM millrace_held AS held WHERE held.pipeline = $1 AND held.slice = $2 AND held."key" = piece."key"
        AND held."order" = COALESCE(piece.number, piece.position))
      OR EXISTS (SELECT 1 FROM millrace_dead_letters AS letter WHERE letter.pipeline = $1 AND letter.slice = $2
        AND letter.position = piece.position)
    FROM (SELECT position, "key", number, accepted_at FROM ${log} WHERE slice = $2 AND position > $3 ORDER BY position LIMIT $4) AS piece
    ORDER BY piece.position`;
}
