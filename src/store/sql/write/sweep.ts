import type { Pruned, Retention } from '../../store.ts';
import type { PruneFloor } from './prune-floors.ts';

/** The result of sweeping a slice of a log. */
interface Piece {
  readonly gone: number;
  /** Number of events examined, and how many of them are old. */
  readonly looked: number;
  readonly old: number;
  readonly last: number | null;
  /** The first remaining one. */
  readonly left: number | null;
}

/** The result of one call. */
export interface Sweep {
  piece: Piece;
  /** The highest deleted cursor. */
  cursor: number;
  ids: number;
}

/** The result of a call of `prune`. */
export function answerOf({ piece: { gone, looked, old, last }, ids }: Sweep, { after, limit }: Pick<Retention, 'after' | 'limit'>): Pruned {
  const end = looked === limit && old === looked ? last : null;
  const isDone = end === null && ids < limit;
  return { count: gone + ids, after: isDone ? null : (end ?? after) };
}

/** A slice proves something only if it begins at the floor; later ones begin beyond possible remainders. */
export function floorAfter(
  floor: PruneFloor,
  { piece: { last, left }, cursor, ids }: Sweep,
  { after, limit, idsBefore, idsFrom }: Retention & { readonly idsFrom: number },
): PruneFloor {
  const gone = left === null ? (last ?? floor.position) : left - 1;
  const position = after === floor.position ? Math.max(floor.position, gone) : floor.position;
  if (ids === limit) return { ...floor, position, cursor };
  const isOfAll = idsFrom === Number.MIN_SAFE_INTEGER;
  return { position, cursor, idsFrom: idsBefore, allIdsUpTo: isOfAll ? idsBefore : floor.allIdsUpTo };
}
