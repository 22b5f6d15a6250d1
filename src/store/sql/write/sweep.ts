import type { Pruned, Retention } from '../../store.ts';
import type { PruneFloor } from './prune-floors.ts';

/** What a piece of a log has come to. */
interface Piece {
  readonly gone: number;
  /** Events that were looked at, and how many of them are old. */
  readonly looked: number;
  readonly old: number;
  readonly last: number | null;
  /** The first one that is left. */
  readonly left: number | null;
}

/** What one call has come to. */
export interface Sweep {
  piece: Piece;
  /** The highest cursor that went. */
  cursor: number;
  ids: number;
}

/** What a call of `prune` answers. */
export function answerOf({ piece: { gone, looked, old, last }, ids }: Sweep, { after, limit }: Pick<Retention, 'after' | 'limit'>): Pruned {
  const end = looked === limit && old === looked ? last : null;
  const isDone = end === null && ids < limit;
  return { count: gone + ids, after: isDone ? null : (end ?? after) };
}

/** A piece tells only where it begins at the floor; those behind it begin beyond what may be left. */
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
