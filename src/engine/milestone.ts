import type { Deadline } from './deadline.ts';
import { Waiters } from './waiters.ts';

/** A count that only rises, with callers waiting for it to reach their number. A rise costs the same however many wait for more. */
export class Milestone {
  #reached: number;
  /** The highest count that anybody has waited for. */
  #awaited = Number.NEGATIVE_INFINITY;
  /** By the awaited count, ascending. */
  readonly #waiting = new Map<number, Waiters>();

  constructor(reached: number) {
    this.#reached = reached;
  }

  get reached(): number {
    return this.#reached;
  }

  /** True if anybody waits. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  reach(count: number): void {
    this.#reached = count;
    if (this.#waiting.size > 0) this.#wake(count);
  }

  /** Ends all current waits. */
  endWaits(): void {
    this.#wake(Number.POSITIVE_INFINITY);
  }

  /**
   * Resolves once it has reached a count, or at the caller's deadline. A caller asking for less than an earlier, unreached count waits for
   * that one.
   */
  async until(count: number, deadline?: Deadline): Promise<void> {
    if (this.#reached >= count) return;
    this.#awaited = Math.max(this.#awaited, count);
    const awaited = this.#awaited;
    let waiters = this.#waiting.get(awaited);
    if (waiters === undefined) {
      waiters = new Waiters();
      this.#waiting.set(awaited, waiters);
    }
    await waiters.next(deadline);
    if (waiters.isEmpty && this.#waiting.get(awaited) === waiters) this.#waiting.delete(awaited);
  }

  #wake(upTo: number): void {
    for (const [count, waiters] of this.#waiting) {
      if (count > upTo) return;
      this.#waiting.delete(count);
      waiters.wake();
    }
  }
}
