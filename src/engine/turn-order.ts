import type { Cause, Waiting } from './cause.ts';
import type { Draft } from './draft.ts';
import type { Lane } from './lane.ts';

/** The effects of a turn on the order of its key. */
export interface TurnOrder {
  /** Called when the event needs no further turn. */
  settled(lane: Lane, draft: Draft, waiting: Waiting): void;
  /** Called when the event blocks its key until a moment, or (null) until an operator decides. */
  stopped(lane: Lane, draft: Draft, waiting: Waiting, retryAt: number | null): void;
  /** Called when the turn sends to a pipeline without room: it had no effect, and runs again once there is room. */
  throttled(lane: Lane, draft: Draft, cause: Cause, to: string): void;
  /** Called when an asynchronous turn is over. */
  ended(lane: Lane): void;
}
