import type { Cause, Waiting } from './cause.ts';
import type { Draft } from './draft.ts';
import type { TenureContext } from './engine-context.ts';
import type { Holds } from './holds.ts';
import type { Lane } from './lane.ts';
import { RetryAlarms } from './retry-alarms.ts';
import { Throttle } from './throttle.ts';
import type { Waits } from './waits.ts';

/** The dependencies of stops other than the context: the other parts that know the lanes. */
export interface StopsParts {
  readonly holds: Holds;
  /** Called when the lane is open again: its next turn may start. */
  opened(lane: Lane): void;
  /** Called when the retry of a lane is due. */
  rang(lane: Lane): void;
}

/**
 * Stops lanes whose first event, timer or outcome cannot have its turn now: until a retry is due, until there is room, or until an operator
 * acts.
 */
export class Stops {
  readonly #waits: Waits;
  readonly #holds: Holds;
  readonly #alarms: RetryAlarms;
  readonly #throttle: Throttle;

  constructor(context: TenureContext, { holds, opened, rang }: StopsParts) {
    const { engine, pipeline, partition } = context;
    this.#waits = partition.waits;
    this.#holds = holds;
    this.#alarms = new RetryAlarms({ clock: engine.clock, pauseMsMax: pipeline.declaration.retry.backoffMsMax, rang });
    this.#throttle = new Throttle(context, opened);
  }

  /** Number of lanes waiting for a moment or for room: they cannot be forgotten. */
  get lanes(): number {
    return this.#alarms.armed + this.#throttle.lanes;
  }

  /** Number of events waiting for keys whose next turn waits for room in a pipeline it sends to. */
  get throttled(): number {
    return this.#throttle.events;
  }

  /** Makes a failed event block its key, until a moment or (null) until an operator acts. */
  stop(lane: Lane, draft: Draft, first: Waiting, retryAt: number | null): void {
    this.#holds.holdFrom(lane, draft, first, retryAt);
    if (retryAt === null) this.#park(lane);
    else this.block(lane, retryAt);
  }

  /** Parks an open lane for an operator. */
  parkByHand(lane: Lane, draft: Draft): void {
    this.#holds.holdAll(lane, draft);
    lane.park();
    draft.parkedByHand += 1;
    if (lane.pending > 0) this.#waits.note(lane, 'operator');
    else if (lane.wait !== undefined) this.#waits.end(lane);
  }

  /** Opens a lane that waits for its retry, since an operator wants it parked. */
  unblock(lane: Lane): void {
    this.#alarms.disarm(lane);
    lane.goOn();
  }

  /** Makes a key's next turn wait for room in a pipeline it sends to. Due timers and outcomes are in the store anyway. */
  waitForRoom(lane: Lane, draft: Draft, cause: Cause, to: string): void {
    if (cause.kind === 'event') this.#holds.holdFrom(lane, draft, cause, null);
    else lane.retryCause(cause);
    this.#throttle.add(lane, to);
    this.#waits.note(lane, 'room');
  }

  /** Blocks the lane until its first event, timer or outcome is retried at a moment. */
  block(lane: Lane, until: number): void {
    lane.block();
    this.#waits.note(lane, 'retry');
    this.#alarms.arm(lane, until);
  }

  /** Returns whether a moment has come, or the lane has waited for it long enough. */
  hasCome(lane: Lane, at: number): boolean {
    return this.#alarms.hasCome(lane, at);
  }

  /** Stops a lane that was read back, if its first event waits for an operator or a moment. */
  stopAgain(lane: Lane, isParked: boolean): void {
    if (isParked) {
      // Everything waiting is held in the store.
      lane.spill();
      this.#alarms.disarm(lane);
      this.#park(lane);
      return;
    }
    const retryAt = lane.runnable?.retryAt ?? null;
    if (retryAt !== null && !this.hasCome(lane, retryAt)) this.block(lane, retryAt);
  }

  /** Notes that the log has delivered an event, which waits for its lane. */
  arrived(lane: Lane, waiting: Pick<Waiting, 'position'>): void {
    if (lane.countArrival(waiting) && lane.status === 'throttled') this.#throttle.arrived(lane);
  }

  /** Notes that an event arrived for a key blocked by its first event. */
  pileUp(lane: Lane): void {
    const awaited = { parked: 'operator', throttled: 'room', blocked: 'retry' } as const;
    this.#waits.note(lane, awaited[lane.status as keyof typeof awaited]);
  }

  /**
   * Notes that a turn of the lane has ended, or that it has none. Returns whether the lane had been opened for it because there was room.
   */
  concluded(lane: Lane): boolean {
    return this.#throttle.concluded(lane);
  }

  close(): void {
    this.#throttle.close();
  }

  /** The dead letter of its first event is enough for an operator; the wait of any events behind it is noted. */
  #park(lane: Lane): void {
    lane.park();
    if (lane.pending > 1) this.#waits.note(lane, 'operator');
    else if (lane.wait !== undefined) this.#waits.end(lane);
  }
}
