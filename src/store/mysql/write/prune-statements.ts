import { Flight, type StatementResult } from '../../sql/connection/flight.ts';
import { tablesOf } from '../../sql/schema/pipeline-tables.ts';
import type { PruneFloors } from '../../sql/write/prune-floors.ts';
import { answerOf, floorAfter, type Sweep } from '../../sql/write/sweep.ts';
import type { Pruned, Retention } from '../../store.ts';
import { listed, listsOf } from '../read/json-rows.ts';
import { cursorOf } from '../read/read-statements.ts';
import { indexes } from '../schema/schema.ts';

/** Cursors deleted at once: more than there are commits from sweep to sweep. */
const cursorsMax = 100_000;

/**
 * Returns statements that delete data older than a retention: a slice of the log, as many ids, and cursors that are no longer the highest.
 * It limits the rows examined, not those deleted: all of them may be held. Rows to delete are found without locks and looked up by key, so
 * that a sweep waits for no append and no commit. An old event without references stays so: a slice can be deleted as read; an id may have
 * been accepted again meanwhile.
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
  const found: Found = { places: [], cursors: [], ids: [] };
  const flight = new Flight();
  flight.add({ text: pieceText(log), values: [pipeline, slice, after, limit, acceptedBefore] });
  flight.add({ text: cursorsText, values: [pipeline, slice, floor.cursor, cursorsMax] });
  flight.add({ text: idsText(ids), values: [slice, idsBefore, idsFrom, limit] }, () => {
    const sweep = sweepOf(found, floor.cursor);
    floors.set(partition, floorAfter(floor, sweep, { ...retention, after, idsFrom }));
    pruned(answerOf(sweep, { after, limit }));
  });
  flight.addLater(([piece, cursors, known]) => {
    found.places = toPlaces(piece);
    // The highest one stays.
    found.cursors = (cursors?.rows ?? []).slice(0, -1).map(([cursor]) => Number(cursor));
    found.ids = (known?.rows ?? []).map(([id]) => String(id));
    const gone = found.places.filter(({ isGone }) => isGone).map(({ position }) => position);
    return [
      ...listsOf(gone).map((list) => ({
        text: `DELETE gone FROM ${listed('$2', { name: 'position', kind: 'int8' })}
          STRAIGHT_JOIN ${log} AS gone FORCE INDEX (PRIMARY) ON gone.slice = $1 AND gone.position = asked.position`,
        values: [slice, list],
      })),
      ...listsOf(found.cursors).map((list) => ({
        text: `DELETE gone FROM ${listed('$3', { name: 'cursor', kind: 'int8' })} STRAIGHT_JOIN millrace_cursors AS gone FORCE INDEX (PRIMARY)
          ON gone.pipeline = $1 AND gone.slice = $2 AND gone."cursor" = asked."cursor"`,
        values: [pipeline, slice, list],
      })),
      ...listsOf(found.ids).map((list) => ({
        text: `DELETE gone FROM ${listed('$2', { name: 'id', kind: 'text' })}
          STRAIGHT_JOIN ${ids} AS gone FORCE INDEX (PRIMARY) ON gone.slice = $1 AND gone.id = asked.id AND gone.accepted_at < $3`,
        values: [slice, list, idsBefore],
      })),
    ];
  });
  return flight;
}

/** The rows to delete, and the events examined. */
interface Found {
  places: readonly Place[];
  cursors: readonly number[];
  ids: readonly string[];
}

const cursorsText =
  'SELECT "cursor" FROM millrace_cursors FORCE INDEX (PRIMARY) WHERE pipeline = $1 AND slice = $2 AND "cursor" > $3 ORDER BY "cursor" LIMIT $4';

function idsText(ids: string): string {
  return `SELECT id FROM ${ids} FORCE INDEX (${indexes.ids}) WHERE slice = $1 AND accepted_at < $2 AND accepted_at >= $3 ORDER BY accepted_at LIMIT $4`;
}

/** An event that was examined. */
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

function sweepOf({ places, cursors, ids }: Found, floor: number): Sweep {
  const piece = {
    gone: places.filter(({ isGone }) => isGone).length,
    looked: places.length,
    old: places.filter(({ isOld }) => isOld).length,
    last: places.at(-1)?.position ?? null,
    left: places.find(({ isGone }) => !isGone)?.position ?? null,
  };
  return { piece, cursor: cursors.at(-1) ?? floor, ids: ids.length };
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
