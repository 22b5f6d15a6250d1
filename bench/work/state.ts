import type { WorkEvent } from './event.ts';

/** What is known of a key. */
export interface WorkState {
  readonly count: number;
  /** The number within the key of the event that came last. */
  readonly last: number;
  readonly sum: number;
}

/** What the handler of every peer does with an event: the next state of its key. */
export function nextState(event: WorkEvent, state: WorkState | undefined): WorkState {
  return { count: (state?.count ?? 0) + 1, last: event.seq, sum: (state?.sum ?? 0) + event.amount };
}
