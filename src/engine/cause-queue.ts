import { isFullList, sizeOfCause } from '../store/list-size.ts';
import type { CauseName, CausePlace, StoredCause, StoredOutcome, StoredTimer } from '../store/store.ts';
import { nameInPartition, nameOf } from './cause.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Draft } from './draft.ts';
import type { TenureContext } from './engine-context.ts';
import { FiredOutcomes } from './fired-outcomes.ts';
import type { Lanes } from './lanes.ts';
import { Lookout } from './lookout.ts';

/** Due timers and outcomes that are read from the store at once, as far as there is memory for their data, and keys whose due ones memory tells. */
const sliceMax = 1_000;

/**
 * The timers and outcomes of a partition (promises 5 and 6). They stay in the store; memory knows when the soonest is due, and holds a
 * slice of those that have come due. A *look* reads the next slice, behind the place up to which the looks before have read, and gives
 * each to its lane once there is a free place for a turn. So however many come due at once, no more are in memory than can run soon,
 * and events have their turns between them. A timer's turn comes after every event that was accepted before it was due.
 *
 * An outcome is due as soon as it is drafted. It is *fired*: its lane has it at once, where there is a free place for its turn and none
 * before it waits in the store.
 *
 * A place that was read is not read again. What comes due behind it all the same, as a timer that is overdue when it is set or one
 * that a parked key has left, memory tells by its key.
 */
export class CauseQueue {
  readonly #context: TenureContext;
  readonly #lanes: Lanes;
  readonly #dispatcher: Pick<Dispatcher, 'caughtUpThroughPauses'>;
  readonly #lookout: Lookout;
  /** Read, and not given to their lanes yet; in order. */
  readonly #slice = new Map<string, StoredCause>();
  /** Looks have read up to here; undefined before the first. */
  #readTo: CausePlace | undefined;
  /** Keys of which some have come due behind that, or may be missed by looks. */
  readonly #passed = new Set<string>();
  /** Written or removed since the present look began to read: what it reads of them is old. */
  readonly #touched = new Set<string>();
  #isReading = false;
  /** The soonest moment that the next look must read, since the present one, which is reading, may miss what is due then. */
  #missedFrom = Number.POSITIVE_INFINITY;
  readonly #fired = new FiredOutcomes();
  /** Whether some may be overdue although their moment lies ahead. */
  #mayBeAhead = true;
  /** The latest moment that the last look or an outcome since has seen: where a look finds itself before it, the clock was set back. */
  #latest = Number.NEGATIVE_INFINITY;
  /** Up to where looks for these have read, and how many, while there are more. */
  #ahead: { readonly place: CausePlace; readonly looked: number } | undefined;
  #closed = false;

  constructor(context: TenureContext, lanes: Lanes, dispatcher: Pick<Dispatcher, 'caughtUpThroughPauses'>) {
    this.#context = context;
    this.#lanes = lanes;
    this.#dispatcher = dispatcher;
    const { engine, drafted, failed } = context;
    this.#lookout = new Lookout({ clock: engine.clock, look: () => this.#takeDue(), looked: drafted, failed });
  }

  get isIdle(): boolean {
    return !this.#lookout.isLooking;
  }

  /** Fires what came due in the past and arms the soonest of the rest. */
  start(): void {
    this.#lookout.look();
  }

  /** It was drafted what becomes of a timer or outcome. */
  touch(cause: CauseName): void {
    if (!this.#lookout.isLooking) return;
    const own = nameInPartition(cause);
    if (this.#isReading) this.#touched.add(own);
    this.#slice.delete(own);
  }

  /** Drafts an outcome, which is due already, and gives it to its lane without reading it back, unless it must wait for a place. */
  fire(outcome: StoredOutcome): void {
    const lanes = this.#lanes;
    try {
      lanes.writeCause(outcome);
      const isHanded = !this.#fired.mustWait && !lanes.isFull && lanes.dispatchCause(outcome);
      this.#fired[isHanded ? 'handed' : 'left'](nameInPartition(outcome));
    } catch (error) {
      this.#context.failed(error);
    }
  }

  /** What was drafted of timers and outcomes is on disk. One that failed and is tried again is in its lane's hand. */
  committed({ timers, outcomes }: Pick<Draft, 'timers' | 'outcomes'>): void {
    for (const timer of timers) if (timer.dueAt !== null && timer.attempts === 0) this.#armed(timer);
    for (const outcome of outcomes) {
      if (outcome.dueAt === null || outcome.attempts > 0) continue;
      if (!this.#fired.recorded(nameInPartition(outcome))) this.#left(outcome);
    }
  }

  /** Gives a key that was parked what has come due meanwhile, the first of it at a moment. */
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

  #armed({ key, dueAt }: StoredTimer): void {
    const isDue = dueAt <= this.#context.engine.clock.now();
    if (isDue && this.#isPassed(dueAt)) this.#pass(key, dueAt);
    else this.#missed(dueAt);
    if (isDue) this.#lookout.look();
    else this.#arm(dueAt);
  }

  /** A look may miss an outcome: the clock may be set back before. */
  #left({ key, dueAt }: StoredOutcome): void {
    this.#latest = Math.max(this.#latest, dueAt);
    this.#pass(key, dueAt);
    this.#lookout.look();
  }

  /** Memory tells the next look of a key, where it has room for that. */
  #pass(key: string, dueAt: number): void {
    if (this.#isKeyed && this.#passed.size < sliceMax) this.#passed.add(key);
    else this.#missed(dueAt);
  }

  /** The next look must read a moment, although others may have read it. */
  #missed(dueAt: number): void {
    if (this.#isReading) this.#missedFrom = Math.min(this.#missedFrom, dueAt);
    else if (this.#isPassed(dueAt)) this.#readTo = before(dueAt);
  }

  /** Whether memory knows all timers and outcomes of a key in memory. An event that is its own key may come into memory without its record. */
  get #isKeyed(): boolean {
    return this.#context.pipeline.declaration.key !== undefined;
  }

  /** Whether no look to come reads a moment again. */
  #isPassed(dueAt: number): boolean {
    return this.#readTo !== undefined && dueAt <= this.#readTo.dueAt;
  }

  #arm(at: number): void {
    if (at <= this.#context.engine.clock.now()) this.#lookout.look();
    else this.#lookout.lookAt(at);
  }

  async #takeDue(): Promise<void> {
    const { engine, partition } = this.#context;
    const lanes = this.#lanes;
    const now = engine.clock.now();
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
    if (!this.#lookout.isAskedAgain) this.#fired.caughtUp();
    const next = await engine.store.nextCauseDue(partition.id, now);
    if (next !== null) this.#arm(next);
  }

  /** Reads the next slice; resolves to whether it is the last one. */
  async #read(now: number): Promise<boolean> {
    const { engine, partition, committed } = this.#context;
    const { store, memory } = engine;
    const lanes = this.#lanes;
    this.#isReading = true;
    // A timer's turn comes after every event that was accepted before.
    await this.#dispatcher.caughtUpThroughPauses();
    await committed();
    const passed = Array.from(this.#passed);
    this.#passed.clear();
    const mayBeAhead = this.#mayBeAhead;
    this.#mayBeAhead = false;
    const ahead = mayBeAhead ? this.#ahead : undefined;
    const bounds = { after: ahead?.place ?? this.#readTo, charactersMax: memory.readMax };
    const found = await store.dueCauses(partition.id, mayBeAhead ? Number.MAX_SAFE_INTEGER : now, sliceMax, bounds);
    const isDue = (cause: StoredCause) => cause.dueAt <= now || wasDue(cause);
    const due = found.filter(isDue);
    const hasTakenAll = await this.#takePassed(passed, isDue);
    await lanes.warm(due.map(({ key }) => key));
    for (const cause of due) {
      const name = nameInPartition(cause);
      if (!this.#touched.has(name)) this.#slice.set(name, cause);
    }
    // Where looks go on ahead, the place stays where it is: what comes due between it and them has not been read.
    this.#hasRead(ahead === undefined ? found.findLast(({ dueAt }) => dueAt <= now) : undefined);
    const looked = (ahead?.looked ?? 0) + found.length;
    const isFull = isFullList(found, sizeOfCause, { limit: sliceMax, sizeMax: memory.readMax });
    const isLast = !isFull || (due.length < found.length && looked >= sliceMax);
    this.#ahead = isLast || !mayBeAhead ? undefined : { place: placeOf(found.at(-1) as StoredCause), looked };
    if (!isLast) this.#mayBeAhead ||= mayBeAhead;
    return isLast && hasTakenAll && ahead === undefined;
  }

  /**
   * Puts what is due of keys that looks may miss into the slice: of all keys, or of the first, if their data are large. Resolves to
   * whether of all. States may be large as well, so not all keys are in memory at once.
   */
  async #takePassed(keys: readonly string[], isDue: (cause: StoredCause) => boolean): Promise<boolean> {
    const { memory } = this.#context.engine;
    const lanes = this.#lanes;
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
      for (const cause of lanes.causesOf(key)) {
        if (isDue(cause)) {
          this.#slice.set(nameInPartition(cause), cause);
          size += sizeOfCause(cause);
        }
        // It came due since the look began, or the clock has been set back.
        else this.#missedFrom = Math.min(this.#missedFrom, cause.dueAt);
      }
    }
    return true;
  }

  /** A look has read up to one, or found none. */
  #hasRead(last: StoredCause | undefined): void {
    if (last !== undefined) this.#readTo = placeOf(last);
    if (this.#isPassed(this.#missedFrom)) this.#readTo = before(this.#missedFrom);
    this.#isReading = false;
    this.#missedFrom = Number.POSITIVE_INFINITY;
    this.#touched.clear();
  }

  /** Gives what is in the slice to its lanes, each when there is a place for its turn. */
  async #giveSlice(): Promise<void> {
    const lanes = this.#lanes;
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
    const cause = this.#slice.get(name);
    if (cause === undefined) return true;
    if (this.#closed || !this.#lanes.dispatchCause(cause)) return false;
    this.#slice.delete(name);
    return true;
  }
}

/**
 * Whether it has come due before, whatever the clock says now: it may have been set back since. An outcome is due from the start,
 * and what has failed had its turn.
 */
function wasDue({ kind, attempts }: StoredCause): boolean {
  return attempts > 0 || kind === 'outcome';
}

function placeOf(cause: StoredCause): CausePlace {
  return { ...nameOf(cause), dueAt: cause.dueAt };
}

/** The place before all that are due at a moment. */
function before(dueAt: number): CausePlace {
  return { kind: 'outcome', key: '', endpoint: '', id: '', dueAt };
}
