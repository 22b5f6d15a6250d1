import type { WorkEvent } from './event.ts';

/** The state of a key. */
export interface WorkState {
  readonly count: number;
  /** The last event's number within its key. */
  readonly last: number;
  readonly sum: number;
}

/** The handler logic of every peer: returns the next state of the event's key. */
export function nextState(event: WorkEvent, state: WorkState | undefined): WorkState {
  return { count: (state?.count ?? 0) + 1, last: event.seq, sum: (state?.sum ?? 0) + event.amount };
}
