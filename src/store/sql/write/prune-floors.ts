import type { PartitionId } from '../../store.ts';

/** Records the deleted ranges of a partition. A process learns them only from its own sweeps, so the first sweep examines everything. */
export interface PruneFloor {
  /** No event at or below this position remains. */
  readonly position: number;
  /** No cursor at or below this one remains. */
  readonly cursor: number;
  /** No id accepted before this moment remains, except from a clock that was set back. Milliseconds since 1970. */
  readonly idsFrom: number;
  /** The moment up to which the last sweep of all ids has looked. Milliseconds since 1970. */
  readonly allIdsUpTo: number;
}

/** Ids are searched from this much earlier, since the clocks of processes differ. In milliseconds. */
const clocksDifferMs = 60_000;
/** Interval for examining all ids again, for those from a clock that was set back. In milliseconds. */
const allIdsEachMs = 3_600_000;

const nothing: PruneFloor = {
  position: 0,
  cursor: 0,
  idsFrom: Number.MIN_SAFE_INTEGER,
  allIdsUpTo: Number.MIN_SAFE_INTEGER,
};

/**
 * The starting points of sweeps. Deleted entries remain in the indexes until they are cleaned up, which a session idle in a transaction
 * prevents: sweeps starting at the first entry would take longer each time.
 */
export class PruneFloors {
  readonly #floors = new Map<string, PruneFloor>();

  of({ pipeline, slice }: PartitionId): PruneFloor {
    return this.#floors.get(`${slice} ${pipeline}`) ?? nothing;
  }

  /** Returns the moment from which to search for ids accepted before another moment. */
  idsFrom(partition: PartitionId, idsBefore: number): number {
    const { idsFrom, allIdsUpTo } = this.of(partition);
    const isDue = idsBefore - allIdsUpTo >= allIdsEachMs || idsBefore < idsFrom;
    return isDue ? nothing.idsFrom : Math.max(nothing.idsFrom, idsFrom - clocksDifferMs);
  }

  set({ pipeline, slice }: PartitionId, floor: PruneFloor): void {
    this.#floors.set(`${slice} ${pipeline}`, floor);
  }
}
