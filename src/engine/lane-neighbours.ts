import type { CauseName } from '../store/store.ts';
import type { Waiting } from './cause.ts';
import type { Lane } from './lane.ts';

/** The connections from a tenure's lanes to neighbouring parts. */
export interface LaneNeighbours {
  /** Tells the timers and outcomes that the fate of one was decided. */
  causeTouched(cause: CauseName): void;
  /** Tells the timers and outcomes that some of a key came due while it was parked, and that it is open again. */
  leftDue(key: string, firstDueAt: number): void;
  /** Tells the gaps that a lane waits for a number, with its first waiting event. */
  gapBegan(lane: Lane, waiting: Waiting): void;
  /** Tells the gaps that the lane no longer waits for a number. */
  gapEnded(lane: Lane): void;
  /** Returns how many events the door has admitted for a key that was not in memory; asked once. */
  arriving(key: string): number;
}
