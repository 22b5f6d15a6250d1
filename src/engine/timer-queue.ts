import type { PartitionId, Store, StoredTimer, TimerWrite } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { DueTimer } from './lane.ts';
import type { Lanes } from './lanes.ts';
import { isOutcome } from './outbox/outcome.ts';

export interface TimerQueueMeans {
  readonly store: Store;
  readonly clock: Clock;
  readonly partition: PartitionId;
  readonly lanes: Lanes;
  /** Resolves once all that is drafted by now is on disk. */
  committed(): Promise<void>;
  /** Resolves once every event that is in the log by now has been dispatched. */
  dispatched(): Promise<void>;
  /** There is nothing to look for until the next alarm. */
  looked(): void;
  failed(error: unknown): void;
}

/** Due timers that are taken from the store at once. */
const lookMax = 1_000;

/**
 * The timers of a partition (promise 5). They stay in the store; memory knows when the soonest is due and which have
 * come due and wait for their turn. A timer's turn comes after every event that was accepted before it was due.
 */
export class TimerQueue {
  readonly #means: TimerQueueMeans;
  /** Due and given to their lanes, until a commit says what became of them. */
  readonly #inHand = new Set<string>();
  /** Of these, the ones that no look has found. */
  readonly #handed = new Set<string>();
  /** Fired, set or cancelled by a turn since the present look began: what it reads of them is old. */
  readonly #touched = new Set<string>();
  #alarmAt = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  /** Whether there may be timers that are overdue although their moment lies ahead. */
  #mayBeAhead = true;
  #closed = false;

  constructor(means: TimerQueueMeans) {
    this.#means = means;
  }

  get isIdle(): boolean {
    return this.#looking === undefined;
  }

  /** Fires what came due in the past and arms the soonest of the rest. */
  start(): void {
    this.#look();
  }

  /** A turn decided to set or cancel a timer. */
  touch(key: string, name: string): void {
    if (this.#looking !== undefined) this.#touched.add(nameOf(key, name));
  }

  /** Drafts a timer that is due already, and gives it to its lane without reading it back. */
  fire(timer: DueTimer): void {
    const { key, name: timerName, ...written } = timer;
    this.#means.lanes.writeTimer({ key, name: timerName, timer: written });
    const name = nameOf(key, timerName);
    if (!this.#means.lanes.dispatchTimer(timer)) return;
    this.#inHand.add(name);
    this.#handed.add(name);
  }

  /** What turns decided about timers is on disk. */
  committed(writes: readonly TimerWrite[]): void {
    for (const { key, name, timer } of writes) {
      const own = nameOf(key, name);
      // One that failed and is tried again, or that was handed over, is in its lane's hand still.
      if (timer !== null && (timer.attempts > 0 || this.#handed.has(own))) continue;
      this.#inHand.delete(own);
      this.#handed.delete(own);
      if (timer === null) continue;
      if (isOutcome(name)) {
        this.#mayBeAhead ||= timer.dueAt > this.#means.clock.now();
        this.#look();
      } else this.#arm(timer.dueAt);
    }
  }

  close(): void {
    this.#closed = true;
    this.#disarm?.();
  }

  #arm(at: number): void {
    if (this.#closed || at >= this.#alarmAt) return;
    if (at <= this.#means.clock.now()) {
      this.#look();
      return;
    }
    this.#disarm?.();
    this.#alarmAt = at;
    this.#disarm = this.#means.clock.alarm(at, () => {
      this.#alarmAt = Number.POSITIVE_INFINITY;
      this.#look();
    });
  }

  #look(): void {
    if (this.#closed) return;
    if (this.#looking !== undefined) {
      this.#lookAgain = true;
      return;
    }
    this.#lookAgain = false;
    this.#looking = this.#takeDue()
      .catch((error: unknown) => {
        if (!this.#closed) this.#means.failed(error);
      })
      .finally(() => {
        this.#looking = undefined;
        this.#touched.clear();
        if (this.#lookAgain) this.#look();
        else this.#means.looked();
      });
  }

  async #takeDue(): Promise<void> {
    const { store, clock, partition, lanes } = this.#means;
    const now = clock.now();
    await this.#means.dispatched();
    await this.#means.committed();
    const limit = lookMax + this.#inHand.size;
    const mayBeAhead = this.#mayBeAhead;
    this.#mayBeAhead = false;
    const found = await store.dueTimers(partition, mayBeAhead ? Number.MAX_SAFE_INTEGER : now, limit);
    const due = found.filter((timer) => timer.dueAt <= now || wasDue(timer));
    await lanes.warm(due.map(({ key }) => key));
    for (const timer of due) this.#give(timer);
    lanes.sweep();
    if (found.length === limit && due.length === limit) {
      this.#lookAgain = true;
      this.#mayBeAhead ||= mayBeAhead;
    }
    const next = await store.nextTimerDue(partition, now);
    if (next !== null) this.#arm(next);
  }

  #give(timer: StoredTimer & { readonly key: string }): void {
    const name = nameOf(timer.key, timer.name);
    if (this.#closed || this.#inHand.has(name) || this.#touched.has(name)) return;
    this.#inHand.add(name);
    if (this.#means.lanes.dispatchTimer(timer)) return;
    this.#inHand.delete(name);
    this.#lookAgain = true;
  }
}

/**
 * Whether a timer has come due before, whatever the clock says now: it may have been set back since. An outcome is due from the
 * start, and a timer that has failed had its turn.
 */
function wasDue({ name, attempts }: StoredTimer): boolean {
  return attempts > 0 || isOutcome(name);
}

function nameOf(key: string, name: string): string {
  return `${name}\n${key}`;
}
