import type { Cause, Waiting } from './cause.ts';
import type { Draft } from './draft.ts';
import type { Lane } from './lane.ts';

/** What a turn means for the order of its key. */
export interface TurnOrder {
  /** The event needs no further turn. */
  settled(lane: Lane, draft: Draft, waiting: Waiting): void;
  /** The event keeps its key waiting until a moment, or (null) until an operator decides. */
  stopped(lane: Lane, draft: Draft, waiting: Waiting, retryAt: number | null): void;
  /** The turn sends to a pipeline that has no room: it had no effect, and runs again once there is room. */
  throttled(lane: Lane, draft: Draft, cause: Cause, to: string): void;
  /** An asynchronous turn is over. */
  ended(lane: Lane): void;
}
