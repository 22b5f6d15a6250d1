import type { PartitionId } from '../../store.ts';

/** What a process knows to be gone of a partition. Only its own sweeps tell, so the first one looks at everything. */
export interface PruneFloor {
  /** No event at or below this position is left. */
  readonly position: number;
  /** No cursor at or below this one is left. */
  readonly cursor: number;
  /** No id that was accepted before this moment is left, but for those of a clock that was set back. Milliseconds since 1970. */
  readonly idsFrom: number;
  /** Up to where the last sweep of all ids has looked. Milliseconds since 1970. */
  readonly allIdsUpTo: number;
}

/** Ids are looked for from so long before: the clocks of processes differ. In milliseconds. */
const clocksDifferMs = 60_000;
/** After so long all ids are looked at again, for those of a clock that was set back. In milliseconds. */
const allIdsEachMs = 3_600_000;

const nothing: PruneFloor = {
  position: 0,
  cursor: 0,
  idsFrom: Number.MIN_SAFE_INTEGER,
  allIdsUpTo: Number.MIN_SAFE_INTEGER,
};

/**
 * Where sweeps begin. What was deleted leads on in the indexes until it is cleaned up, which a session that sits idle in a transaction prevents:
 * sweeps that began at the first entry would take longer each time.
 */
export class PruneFloors {
  readonly #floors = new Map<string, PruneFloor>();

  of({ pipeline, slice }: PartitionId): PruneFloor {
    return this.#floors.get(`${slice} ${pipeline}`) ?? nothing;
  }

  /** From which moment on ids are looked for that were accepted before another one. */
  idsFrom(partition: PartitionId, idsBefore: number): number {
    const { idsFrom, allIdsUpTo } = this.of(partition);
    const isDue = idsBefore - allIdsUpTo >= allIdsEachMs || idsBefore < idsFrom;
    return isDue ? nothing.idsFrom : Math.max(nothing.idsFrom, idsFrom - clocksDifferMs);
  }

  set({ pipeline, slice }: PartitionId, floor: PruneFloor): void {
    this.#floors.set(`${slice} ${pipeline}`, floor);
  }
}
