import type { Deadline } from './deadline.ts';
import type { Lane } from './lane.ts';
import { Milestone } from './milestone.ts';
import { Waiters } from './waiters.ts';

/** The lanes that have a turn or are about to, and the callers waiting for them to rest. */
export class BusyLanes {
  /** In the order they became busy. */
  readonly #busy = new Set<Lane>();
  /** Number of times a lane has become busy. */
  #total = 0;
  /** Number of these, from the first on, that have rested since. */
  readonly #rested = new Milestone(0);
  /** Callers waiting for a lane to rest. */
  readonly #awaited = new Map<Lane, Waiters>();

  /** Notes that the lane has gone as far as it can for now. */
  note(lane: Lane): void {
    if (!lane.isBusy) {
      if (lane.busySince > 0) this.#rests(lane);
    } else if (lane.busySince === 0) {
      this.#total += 1;
      lane.becomeBusy(this.#total);
      this.#busy.add(lane);
    }
  }

  /** Resolves once each lane that is busy now has rested, or at the caller's deadline. */
  async allRested(deadline: Deadline): Promise<void> {
    this.#rested.reach(this.#restedTo());
    await this.#rested.until(this.#total, deadline);
  }

  /** Resolves once a busy lane has no turn and none coming up, or at the caller's deadline. */
  async rested(lane: Lane, deadline: Deadline): Promise<void> {
    const waiters = this.#awaited.get(lane) ?? new Waiters();
    this.#awaited.set(lane, waiters);
    await waiters.next(deadline);
    if (waiters.isEmpty && this.#awaited.get(lane) === waiters) this.#awaited.delete(lane);
  }

  /** Ends all current waits. */
  endWaits(): void {
    for (const waiters of this.#awaited.values()) waiters.wake();
    this.#rested.endWaits();
  }

  #rests(lane: Lane): void {
    lane.rest();
    this.#busy.delete(lane);
    if (this.#awaited.size > 0) this.#awaited.get(lane)?.wake();
    if (this.#rested.isAwaited) this.#rested.reach(this.#restedTo());
  }

  #restedTo(): number {
    const [oldest] = this.#busy;
    return oldest === undefined ? this.#total : oldest.busySince - 1;
  }
}
