import { MillraceError } from '../errors.ts';
import type { PartitionId } from '../store/store.ts';
import type { Deadline } from './deadline.ts';
import { Waiters } from './waiters.ts';

/**
 * - `new`: no claim has succeeded yet.
 * - `working`: the partition is ours, and a tenure is at work.
 * - `recovering`: the partition is ours or nobody's. A tenure ends, or what waits is discarded, or the claim is tried again.
 * - `away`: another engine has the lease, or may have it. The fleet says when it is ours to claim.
 * - `taking`: away still, and being claimed.
 * - `over`: nobody here works on it any more.
 */
type State = 'new' | 'working' | 'recovering' | 'away' | 'taking' | 'over';

/**
 * The state of the ownership of a partition. Its methods alone change it:
 *
 * | from | by | to | when |
 * |---|---|---|---|
 * | `new`, `recovering`, `taking` | `work` | `working` | the store has given the lease: a tenure begins |
 * | `new`, `working` | `recover` | `recovering` | the store failed, the lease is lost, it is handed over, or what waits is to be discarded |
 * | `new`, `recovering`, `taking` | `leave` | `away` | another engine has the lease, or should have it |
 * | `away` | `take` | `taking` | the fleet gives it to this engine: it is claimed |
 * | any | `end` | `over` | the engine stops, or the store failed for good |
 * | `over` | `startAnew` | `new` | a start has failed, and the engine is started once more |
 *
 * What may never happen:
 *
 * - Two tenures are at work at once. A tenure begins only where none is at work, under a claim that was made after the one before had ended.
 * - A claim or a tenure begins when it is `over`: that would take the partition from whoever comes next.
 * - A failure while it is `recovering` or `away` begins a second recovery: it only makes the next tenure look at the log once more.
 * - A partition that is `away` is claimed because of a failure.
 * - An announced event is lost because no tenure was there: its position is kept, or the next tenure looks.
 */
export class OwnershipState {
  readonly #partition: PartitionId;
  /** Callers that wait for another state. */
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

  /** Whether another engine works on it, or may. */
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

  /** Resolves with the next transition, or when the caller's time is over. */
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
