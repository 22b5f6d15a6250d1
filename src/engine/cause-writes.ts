import type { OutcomeWrite, TimerWrite } from '../store/store.ts';
import type { Draft } from './draft.ts';
import type { Lane } from './lane.ts';
import type { LaneNeighbours } from './lane-neighbours.ts';

/** Drafts a turn's decisions about timers and outcomes, and notifies every part that has them in memory. */
export class CauseWrites {
  readonly #neighbours: Pick<LaneNeighbours, 'causeTouched'>;

  constructor(neighbours: Pick<LaneNeighbours, 'causeTouched'>) {
    this.#neighbours = neighbours;
  }

  /** Drafts the new value of a timer or outcome of the lane. */
  write(lane: Lane, draft: Draft, write: TimerWrite | OutcomeWrite): void {
    lane.changeIn(draft.number);
    lane.writeCause(write);
    this.#neighbours.causeTouched(write);
    draft.writeCause(write);
  }
}
