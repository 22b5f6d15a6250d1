import type { Clock } from './clock.ts';
import type { Draft } from './draft.ts';
import type { Holds } from './holds.ts';
import type { DueTimer } from './key-timers.ts';
import type { Lane, Waiting } from './lane.ts';
import { RetryAlarms } from './retry-alarms.ts';
import { Throttle, type ThrottleMeans } from './throttle.ts';
import type { Waits } from './waits.ts';

export interface StopsMeans extends ThrottleMeans {
  readonly clock: Clock;
  readonly pipeline: ThrottleMeans['pipeline'] & { readonly retry: { readonly backoffMsMax: number } };
  readonly waits: Waits;
  /** The retry of a lane is due. */
  rang(lane: Lane): void;
}

/** Stops lanes whose first event or timer cannot have its turn now: until a retry is due, until there is room, or until an operator acts. */
export class Stops {
  readonly #means: StopsMeans;
  readonly #holds: Holds;
  readonly #alarms: RetryAlarms;
  readonly #throttle: Throttle;

  constructor(means: StopsMeans, holds: Holds) {
    this.#means = means;
    this.#holds = holds;
    this.#alarms = new RetryAlarms({ clock: means.clock, pauseMsMax: means.pipeline.retry.backoffMsMax, rang: (lane) => means.rang(lane) });
    this.#throttle = new Throttle(means);
  }

  /** Lanes that wait for a moment or for room: they cannot be forgotten. */
  get lanes(): number {
    return this.#alarms.armed + this.#throttle.lanes;
  }

  /** Events that wait for keys whose next turn waits for room in a pipeline that it sends to. */
  get throttled(): number {
    return this.#throttle.events;
  }

  /** An event that failed keeps its key waiting, until a moment or (null) for an operator. */
  stop(lane: Lane, draft: Draft, first: Waiting, retryAt: number | null): void {
    this.#holds.holdFrom(lane, draft, first, retryAt);
    if (retryAt === null) this.#park(lane);
    else this.block(lane, retryAt);
  }

  /** The next turn of a key waits for room in a pipeline that it sends to. A timer that has come due is in the store anyway. */
  waitForRoom(lane: Lane, draft: Draft, cause: Waiting | DueTimer, to: string): void {
    if ('position' in cause) this.#holds.holdFrom(lane, draft, cause, null);
    else lane.retryTimer(cause);
    this.#throttle.add(lane, to);
    this.#means.waits.note(lane, 'room');
  }

  /** Its first event or timer is tried again at a moment. */
  block(lane: Lane, until: number): void {
    lane.block();
    this.#means.waits.note(lane, 'retry');
    this.#alarms.arm(lane, until);
  }

  /** Whether a moment has come, or the lane has waited for it long enough. */
  hasCome(lane: Lane, at: number): boolean {
    return this.#alarms.hasCome(lane, at);
  }

  /** Stops a lane that was read back, where its first event waits for an operator or a moment. */
  stopAgain(lane: Lane, isParked: boolean): void {
    if (isParked) {
      // All that waits is held in the store.
      lane.spill();
      this.#alarms.disarm(lane);
      this.#park(lane);
      return;
    }
    const retryAt = lane.runnable?.retryAt ?? null;
    if (retryAt !== null && !this.hasCome(lane, retryAt)) this.block(lane, retryAt);
  }

  /** An event has come to a lane, and waits for it. */
  arrived(lane: Lane): void {
    lane.countPending();
    if (lane.status === 'throttled') this.#throttle.arrived(lane);
  }

  /** Notes that an event came to a key whose first event keeps it waiting. */
  pileUp(lane: Lane): void {
    const awaited = { parked: 'operator', throttled: 'room', blocked: 'retry' } as const;
    this.#means.waits.note(lane, awaited[lane.status as keyof typeof awaited]);
  }

  /** A turn of the lane has ended, or it has none. Returns whether the lane was opened for it, since there was room. */
  concluded(lane: Lane): boolean {
    return this.#throttle.concluded(lane);
  }

  close(): void {
    this.#throttle.close();
  }

  /** The dead letter of its first event is enough for an operator; the wait of any events behind it is noted. */
  #park(lane: Lane): void {
    lane.park();
    if (lane.pending > 1) this.#means.waits.note(lane, 'operator');
    else if (lane.wait !== undefined) this.#means.waits.end(lane);
  }
}
