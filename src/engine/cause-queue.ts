import { isFullList, sizeOfCause } from '../store/list-size.ts';
import type { CauseName, CausePlace, StoredCause, StoredOutcome, StoredTimer } from '../store/store.ts';
import { nameInPartition, nameOf } from './cause.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Draft } from './draft.ts';
import type { TenureContext } from './engine-context.ts';
import { FiredOutcomes } from './fired-outcomes.ts';
import type { Lanes } from './lanes.ts';
import { Lookout } from './lookout.ts';

/**
 * Maximum due timers and outcomes read from the store at once, memory for their data permitting, and maximum keys remembered as having due
 * ones.
 */
const sliceMax = 1_000;

/**
 * The timers and outcomes of a partition (promises 5 and 6). They stay in the store; memory knows when the soonest is due, and holds a
 * slice of those that have come due. A *look* reads the next slice, from where earlier looks ended, and gives each item to its lane once a
 * turn has a free slot. However many come due at once, memory holds no more than can run soon, and events get turns in between. A timer's
 * turn comes after every event that was accepted before it was due.
 *
 * An outcome is due as soon as it is drafted. It is *fired*: its lane gets it at once if its turn has a free slot and no earlier one waits
 * in the store.
 *
 * No place is read twice. Anything that comes due before it later, such as a timer already overdue when set or one left by a parked key, is
 * remembered by its key.
 */
export class CauseQueue {
  readonly #context: TenureContext;
  readonly #lanes: Lanes;
  readonly #dispatcher: Pick<Dispatcher, 'caughtUpThroughPauses'>;
  readonly #lookout: Lookout;
  /** Read, but not given to their lanes yet; in order. */
  readonly #slice = new Map<string, StoredCause>();
  /** The place up to which looks have read; undefined before the first. */
  #readTo: CausePlace | undefined;
  /** Keys with something that came due before that place, or that looks may miss. */
  readonly #passed = new Set<string>();
  /** Written or removed since the current look began to read, which makes its result for them stale. */
  readonly #touched = new Set<string>();
  #isReading = false;
  /** The earliest moment that the next look must read, since the current one may miss things due then. */
  #missedFrom = Number.POSITIVE_INFINITY;
  readonly #fired = new FiredOutcomes();
  /** True if some may be overdue although their moment is in the future. */
  #mayBeAhead = true;
  /** The latest moment seen by the last look or an outcome since. A look that finds the time before it knows the clock was set back. */
  #latest = Number.NEGATIVE_INFINITY;
  /** The place up to which looks for these have read, and how many they read, while there are more. */
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

  /** Fires everything overdue and arms the soonest of the rest. */
  start(): void {
    this.#lookout.look();
  }

  /** Notes that a timer's or outcome's fate was drafted. */
  touch(cause: CauseName): void {
    if (!this.#lookout.isLooking) return;
    const own = nameInPartition(cause);
    if (this.#isReading) this.#touched.add(own);
    this.#slice.delete(own);
  }

  /** Drafts an outcome, which is due already, and gives it to its lane without reading it back, unless it must wait for a slot. */
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

  /** Notes that the drafted timers and outcomes are on disk. One that failed and will be retried stays with its lane. */
  committed({ timers, outcomes }: Pick<Draft, 'timers' | 'outcomes'>): void {
    for (const timer of timers) if (timer.dueAt !== null && timer.attempts === 0) this.#armed(timer);
    for (const outcome of outcomes) {
      if (outcome.dueAt === null || outcome.attempts > 0) continue;
      if (!this.#fired.recorded(nameInPartition(outcome))) this.#left(outcome);
    }
  }

  /** Gives a key that was parked everything that has come due meanwhile, starting from the first at a moment. */
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

  /** Notes an outcome that looks may miss: the clock may be set back to before it. */
  #left({ key, dueAt }: StoredOutcome): void {
    this.#latest = Math.max(this.#latest, dueAt);
    this.#pass(key, dueAt);
    this.#lookout.look();
  }

  /** Remembers a key for the next look, if there is room. */
  #pass(key: string, dueAt: number): void {
    if (this.#isKeyed && this.#passed.size < sliceMax) this.#passed.add(key);
    else this.#missed(dueAt);
  }

  /** Makes the next look read a moment that others may have read already. */
  #missed(dueAt: number): void {
    if (this.#isReading) this.#missedFrom = Math.min(this.#missedFrom, dueAt);
    else if (this.#isPassed(dueAt)) this.#readTo = before(dueAt);
  }

  /** True if memory knows all timers and outcomes of a key in memory. An event that is its own key may be loaded without its record. */
  get #isKeyed(): boolean {
    return this.#context.pipeline.declaration.key !== undefined;
  }

  /** Returns whether no later look will read a moment again. */
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

  /** Reads the next slice; resolves to true if it is the last one. */
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
    // When looks continue ahead, the place stays put: things coming due between it and them have not been read.
    this.#hasRead(ahead === undefined ? found.findLast(({ dueAt }) => dueAt <= now) : undefined);
    const looked = (ahead?.looked ?? 0) + found.length;
    const isFull = isFullList(found, sizeOfCause, { limit: sliceMax, sizeMax: memory.readMax });
    const isLast = !isFull || (due.length < found.length && looked >= sliceMax);
    this.#ahead = isLast || !mayBeAhead ? undefined : { place: placeOf(found.at(-1) as StoredCause), looked };
    if (!isLast) this.#mayBeAhead ||= mayBeAhead;
    return isLast && hasTakenAll && ahead === undefined;
  }

  /**
   * Adds due items of keys that looks may miss to the slice: of all such keys, or of the first ones if their data are large. Resolves to
   * true if all are included. States may be large too, so not all keys are in memory at once.
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
        // It came due after the look began, or the clock has been set back.
        else this.#missedFrom = Math.min(this.#missedFrom, cause.dueAt);
      }
    }
    return true;
  }

  /** Notes that a look has read up to an item, or found none. */
  #hasRead(last: StoredCause | undefined): void {
    if (last !== undefined) this.#readTo = placeOf(last);
    if (this.#isPassed(this.#missedFrom)) this.#readTo = before(this.#missedFrom);
    this.#isReading = false;
    this.#missedFrom = Number.POSITIVE_INFINITY;
    this.#touched.clear();
  }

  /** Gives the slice's items to their lanes, each when its turn has a slot. */
  async #giveSlice(): Promise<void> {
    const lanes = this.#lanes;
    for (const name of this.#slice.keys()) {
      const give = () => this.#give(name);
      let isGiven = lanes.isFull ? await lanes.inTurn(give) : give();
      while (!isGiven && !this.#closed) {
        // If one is no longer in memory, those after it may not be either.
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
 * Returns whether it has come due before, whatever the clock says now: the clock may have been set back since. An outcome is due from the
 * start, and a failed item has had its turn.
 */
function wasDue({ kind, attempts }: StoredCause): boolean {
  return attempts > 0 || kind === 'outcome';
}

function placeOf(cause: StoredCause): CausePlace {
  return { ...nameOf(cause), dueAt: cause.dueAt };
}

/** The place before everything due at a moment. */
function before(dueAt: number): CausePlace {
  return { kind: 'outcome', key: '', endpoint: '', id: '', dueAt };
}
