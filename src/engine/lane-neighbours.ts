import type { CauseName } from '../store/store.ts';
import type { Waiting } from './cause.ts';
import type { Lane } from './lane.ts';

/** What the lanes of a tenure tell and ask the parts beside them. */
export interface LaneNeighbours {
  /** Tells the timers and outcomes: it was decided what becomes of one. */
  causeTouched(cause: CauseName): void;
  /** Tells the timers and outcomes: some of a key have come due while it was parked, and it is open again. */
  leftDue(key: string, firstDueAt: number): void;
  /** Tells the gaps: a lane waits for a number, and this is the first event that does. */
  gapBegan(lane: Lane, waiting: Waiting): void;
  /** Tells the gaps: the lane waits for a number no longer. */
  gapEnded(lane: Lane): void;
  /** Returns how many events the door has let in for a key that was not in memory; asked once. */
  arriving(key: string): number;
}
