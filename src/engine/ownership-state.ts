import { MillraceError } from '../errors.ts';
import type { PartitionId } from '../store/store.ts';
import type { Deadline } from './deadline.ts';
import { Waiters } from './waiters.ts';

/**
 * - `new`: no claim has succeeded yet.
 * - `working`: the partition is ours, and a tenure is at work.
 * - `recovering`: the partition is ours or free. A tenure is ending, waiting events are being discarded, or the claim is being retried.
 * - `away`: another engine has the lease, or may have it. The fleet says when to claim it.
 * - `taking`: still away, and being claimed.
 * - `over`: this engine no longer works on it.
 */
type State = 'new' | 'working' | 'recovering' | 'away' | 'taking' | 'over';

/**
 * The state of the ownership of a partition. Its methods alone change it:
 *
 * | from | by | to | when |
 * |---|---|---|---|
 * | `new`, `recovering`, `taking` | `work` | `working` | the store has granted the lease: a tenure begins |
 * | `new`, `working` | `recover` | `recovering` | the store failed, the lease is lost, it is handed over, or waiting events are to be discarded |
 * | `new`, `recovering`, `taking` | `leave` | `away` | another engine has the lease, or should have it |
 * | `away` | `take` | `taking` | the fleet assigns it to this engine: it is claimed |
 * | any | `end` | `over` | the engine stops, or the store failed for good |
 * | `over` | `startAnew` | `new` | a start has failed, and the engine is started again |
 *
 * Invariants:
 *
 * - Two tenures never run at once. A tenure begins only when none is running, under a claim made after the previous one had ended.
 * - No claim or tenure begins once it is `over`: that would take the partition from the next owner.
 * - A failure while it is `recovering` or `away` begins no second recovery: it only makes the next tenure look at the log once more.
 * - A partition that is `away` is never claimed because of a failure.
 * - No announced event is lost for lack of a tenure: its position is kept, or the next tenure looks.
 */
export class OwnershipState {
  readonly #partition: PartitionId;
  /** Callers waiting for another state. */
  readonly #waiting = new Waiters();
  #state: State = 'new';

  constructor(partition: PartitionId) {
    this.#partition = partition;
  }

  get isNew(): boolean {
    return this.#state === 'new';
  }

  get isWorking(): boolean {
    return this.#state === 'working';
  }

  get isRecovering(): boolean {
    return this.#state === 'recovering';
  }

  /** True if another engine works on it, or may. */
  get isAway(): boolean {
    return this.#state === 'away' || this.isTaking;
  }

  get isTaking(): boolean {
    return this.#state === 'taking';
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  startAnew(): void {
    this.#turnTo('new', 'over');
  }

  work(): void {
    this.#turnTo('working', 'new', 'recovering', 'taking');
  }

  recover(): void {
    this.#turnTo('recovering', 'new', 'working');
  }

  leave(): void {
    this.#turnTo('away', 'new', 'recovering', 'taking');
  }

  take(): void {
    this.#turnTo('taking', 'away');
  }

  end(): void {
    this.#turnTo('over', 'new', 'working', 'recovering', 'away', 'taking', 'over');
  }

  /** Resolves with the next transition, or at the caller's deadline. */
  changed(deadline?: Deadline): Promise<void> {
    return this.#waiting.next(deadline);
  }

  #turnTo(next: State, ...from: readonly State[]): void {
    if (!from.includes(this.#state)) {
      const { pipeline, slice } = this.#partition;
      const message = `partition ${pipeline}/${slice}: expected it to be ${from.join(' or ')} before it is ${next}, found it ${this.#state}`;
      throw new MillraceError('MILL_INTERNAL', message);
    }
    this.#state = next;
    this.#waiting.wake();
  }
}
