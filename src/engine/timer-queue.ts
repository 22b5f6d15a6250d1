import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { isFullList, sizeOfTimer } from '../store/list-size.ts';
import type { PartitionId, Store, StoredTimer, TimerPlace, TimerWrite } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { FiredOutcomes } from './fired-outcomes.ts';
import type { DueTimer } from './key-timers.ts';
import type { Lanes } from './lanes.ts';
import { Lookout } from './lookout.ts';
import type { Memory } from './memory.ts';
import { isOutcome } from './outbox/outcome.ts';

export interface TimerQueueMeans {
  readonly store: Store;
  readonly clock: Clock;
  readonly partition: PartitionId;
  readonly pipeline: Pick<AnyPipeline, 'key'>;
  readonly lanes: Lanes;
  readonly memory: Pick<Memory, 'readMax'>;
  /** Resolves once all that is drafted by now is on disk. */
  committed(): Promise<void>;
  /** Resolves once every event that is in the log by now has been dispatched. */
  dispatched(): Promise<void>;
  /** There is nothing to look for until the next alarm. */
  looked(): void;
  failed(error: unknown): void;
}

/** Due timers that are read from the store at once, as far as there is memory for their data, and keys whose due timers memory tells. */
const sliceMax = 1_000;

/**
 * The timers of a partition (promise 5). They stay in the store; memory knows when the soonest is due, and holds a slice of those
 * that have come due. A *look* reads the next slice, behind the place up to which the looks before have read, and gives each timer to
 * its lane once there is a free place for a turn. So however many come due at once, no more are in memory than can run soon, and
 * events have their turns between them. A timer's turn comes after every event that was accepted before it was due.
 *
 * A place that was read is not read again. What comes due behind it all the same, as a timer that is overdue when it is set or one
 * that a parked key has left, memory tells by its key.
 */
export class TimerQueue {
  readonly #means: TimerQueueMeans;
  readonly #lookout: Lookout;
  /** Read, and not given to their lanes yet; in order. */
  readonly #slice = new Map<string, DueTimer>();
  /** Looks have read up to here; undefined before the first. */
  #readTo: TimerPlace | undefined;
  /** Keys with timers that have come due behind that, or that looks may miss. */
  readonly #passed = new Set<string>();
  /** Fired, set or cancelled by a turn since the present look began to read: what it reads of them is old. */
  readonly #touched = new Set<string>();
  #isReading = false;
  /** The soonest moment that the next look must read, since the present one, which is reading, may miss a timer of it. */
  #missedFrom = Number.POSITIVE_INFINITY;
  readonly #outcomes = new FiredOutcomes();
  /** Whether there may be timers that are overdue although their moment lies ahead. */
  #mayBeAhead = true;
  /** The latest moment that the last look or an outcome since has seen: where a look finds itself before it, the clock was set back. */
  #latest = Number.NEGATIVE_INFINITY;
  /** Up to where looks for these have read, and how many timers, while there are more. */
  #ahead: { readonly place: TimerPlace; readonly looked: number } | undefined;
  #closed = false;

  constructor(means: TimerQueueMeans) {
    this.#means = means;
    const { clock, looked, failed } = means;
    this.#lookout = new Lookout({ clock, look: () => this.#takeDue(), looked, failed });
  }

  get isIdle(): boolean {
    return !this.#lookout.isLooking;
  }

  /** Fires what came due in the past and arms the soonest of the rest. */
  start(): void {
    this.#lookout.look();
  }

  /** A turn decided to set or cancel a timer. */
  touch(key: string, name: string): void {
    if (!this.#lookout.isLooking) return;
    const own = nameOf(key, name);
    if (this.#isReading) this.#touched.add(own);
    this.#slice.delete(own);
  }

  /** Drafts an outcome, which is due already, and gives it to its lane without reading it back, unless it must wait for a place. */
  fire(timer: DueTimer): void {
    const { key, name: timerName, ...written } = timer;
    const { lanes, failed } = this.#means;
    try {
      lanes.writeTimer({ key, name: timerName, timer: written });
      const isHanded = !this.#outcomes.mustWait && !lanes.isFull && lanes.dispatchTimer(timer);
      this.#outcomes[isHanded ? 'handed' : 'left'](nameOf(key, timerName));
    } catch (error) {
      failed(error);
    }
  }

  /** What turns decided about timers is on disk. */
  committed(writes: readonly TimerWrite[]): void {
    for (const { key, name, timer } of writes) {
      // One that failed and is tried again is in its lane's hand.
      if (timer === null || timer.attempts > 0) continue;
      if (!this.#outcomes.recorded(nameOf(key, name))) this.#armed(key, name, timer.dueAt);
    }
  }

  /** Gives a key that was parked the timers that have come due, the first of them at a moment. */
  lookAt(key: string, dueAt: number): void {
    if (this.#isKeyed) this.#passed.add(key);
    else this.#missed(dueAt);
    this.#lookout.look();
  }

  close(): void {
    this.#closed = true;
    this.#slice.clear();
    this.#lookout.close();
  }

  #armed(key: string, name: string, dueAt: number): void {
    const isDue = isOutcome(name) || dueAt <= this.#means.clock.now();
    if (isOutcome(name)) this.#latest = Math.max(this.#latest, dueAt);
    // A look may miss an outcome: the clock may be set back before.
    const mayBeMissed = isOutcome(name) || this.#isPassed(dueAt);
    if (this.#isKeyed && isDue && mayBeMissed && this.#passed.size < sliceMax) this.#passed.add(key);
    else this.#missed(dueAt);
    if (isDue) this.#lookout.look();
    else this.#arm(dueAt);
  }

  /** The next look must read a moment, although others may have read it. */
  #missed(dueAt: number): void {
    if (this.#isReading) this.#missedFrom = Math.min(this.#missedFrom, dueAt);
    else if (this.#isPassed(dueAt)) this.#readTo = before(dueAt);
  }

  /** Whether memory knows all timers of a key in memory. An event that is its own key may come into memory without its record. */
  get #isKeyed(): boolean {
    return this.#means.pipeline.key !== undefined;
  }

  /** Whether no look to come reads a moment again. */
  #isPassed(dueAt: number): boolean {
    return this.#readTo !== undefined && dueAt <= this.#readTo.dueAt;
  }

  #arm(at: number): void {
    if (at <= this.#means.clock.now()) this.#lookout.look();
    else this.#lookout.lookAt(at);
  }

  async #takeDue(): Promise<void> {
    const { store, clock, partition, lanes } = this.#means;
    const now = clock.now();
    if (now < this.#latest) {
      this.#mayBeAhead = true;
      this.#ahead = undefined;
    }
    this.#latest = now;
    const isLast = await this.#read(now);
    await this.#giveSlice();
    lanes.sweep();
    if (!isLast) {
      this.#lookout.look();
      return;
    }
    if (!this.#lookout.isAskedAgain) this.#outcomes.caughtUp();
    const next = await store.nextTimerDue(partition, now);
    if (next !== null) this.#arm(next);
  }

  /** Reads the next slice; resolves to whether it is the last one. */
  async #read(now: number): Promise<boolean> {
    const { store, partition, lanes, memory } = this.#means;
    this.#isReading = true;
    await this.#means.dispatched();
    await this.#means.committed();
    const passed = Array.from(this.#passed);
    this.#passed.clear();
    const mayBeAhead = this.#mayBeAhead;
    this.#mayBeAhead = false;
    const ahead = mayBeAhead ? this.#ahead : undefined;
    const bounds = { after: ahead?.place ?? this.#readTo, charactersMax: memory.readMax };
    const found = await store.dueTimers(partition, mayBeAhead ? Number.MAX_SAFE_INTEGER : now, sliceMax, bounds);
    const isDue = (timer: DueTimer) => timer.dueAt <= now || wasDue(timer);
    const due = found.filter(isDue);
    const hasTakenAll = await this.#takePassed(passed, isDue);
    await lanes.warm(due.map(({ key }) => key));
    for (const timer of due) {
      const name = nameOf(timer.key, timer.name);
      if (!this.#touched.has(name)) this.#slice.set(name, timer);
    }
    // Where looks go on ahead, the place stays where it is: what comes due between it and them has not been read.
    this.#hasRead(ahead === undefined ? found.findLast(({ dueAt }) => dueAt <= now) : undefined);
    const looked = (ahead?.looked ?? 0) + found.length;
    const isFull = isFullList(found, sizeOfTimer, { limit: sliceMax, sizeMax: memory.readMax });
    const isLast = !isFull || (due.length < found.length && looked >= sliceMax);
    this.#ahead = isLast || !mayBeAhead ? undefined : { place: placeOf(found.at(-1) as DueTimer), looked };
    if (!isLast) this.#mayBeAhead ||= mayBeAhead;
    return isLast && hasTakenAll && ahead === undefined;
  }

  /**
   * Puts the due timers of keys that looks may miss into the slice: of all keys, or of the first, if their data are large. Resolves to
   * whether of all. States may be large as well, so not all keys are in memory at once.
   */
  async #takePassed(keys: readonly string[], isDue: (timer: DueTimer) => boolean): Promise<boolean> {
    const { lanes, memory } = this.#means;
    let size = 0;
    for (const [at, key] of keys.entries()) {
      if (size >= memory.readMax) {
        for (const left of keys.slice(at)) this.#passed.add(left);
        return false;
      }
      if (lanes.peek(key) === undefined) {
        lanes.sweep();
        await lanes.warm(keys.slice(at));
      }
      for (const timer of lanes.timersOf(key)) {
        if (isDue(timer)) {
          this.#slice.set(nameOf(timer.key, timer.name), timer);
          size += sizeOfTimer(timer);
        }
        // It came due since the look began, or the clock has been set back.
        else this.#missedFrom = Math.min(this.#missedFrom, timer.dueAt);
      }
    }
    return true;
  }

  /** A look has read up to a timer, or found none. */
  #hasRead(last: DueTimer | undefined): void {
    if (last !== undefined) this.#readTo = placeOf(last);
    if (this.#isPassed(this.#missedFrom)) this.#readTo = before(this.#missedFrom);
    this.#isReading = false;
    this.#missedFrom = Number.POSITIVE_INFINITY;
    this.#touched.clear();
  }

  /** Gives the timers of the slice to their lanes, each when there is a place for its turn. */
  async #giveSlice(): Promise<void> {
    const { lanes } = this.#means;
    for (const name of this.#slice.keys()) {
      const give = () => this.#give(name);
      let isGiven = lanes.isFull ? await lanes.inTurn(give) : give();
      while (!isGiven && !this.#closed) {
        // Where one is not in memory any more, others behind it may not be either.
        lanes.sweep();
        await lanes.warm(Array.from(this.#slice.values(), ({ key }) => key));
        isGiven = give();
      }
    }
  }

  #give(name: string): boolean {
    const timer = this.#slice.get(name);
    if (timer === undefined) return true;
    if (this.#closed || !this.#means.lanes.dispatchTimer(timer)) return false;
    this.#slice.delete(name);
    return true;
  }
}

/**
 * Whether a timer has come due before, whatever the clock says now: it may have been set back since. An outcome is due from the
 * start, and a timer that has failed had its turn.
 */
function wasDue({ name, attempts }: StoredTimer): boolean {
  return attempts > 0 || isOutcome(name);
}

function placeOf({ dueAt, key, name }: DueTimer): TimerPlace {
  return { dueAt, key, name };
}

/** The place before all that are due at a moment. */
function before(dueAt: number): TimerPlace {
  return { dueAt, key: '', name: '' };
}

function nameOf(key: string, name: string): string {
  return `${name}\n${key}`;
}
