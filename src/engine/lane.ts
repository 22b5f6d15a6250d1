import type { ResolvedOrder } from '../pipeline/pipeline.ts';
import type { HeldEvent, KeyRecord, StoredCause } from '../store/store.ts';
import type { Waiting } from './cause.ts';
import type { LaneMemory } from './lane-memory.ts';
import { LaneWaits } from './lane-waits.ts';

const emptyRecord: KeyRecord = {
  state: null,
  next: null,
  parked: false,
  heldFrom: null,
  heldTo: null,
  held: 0,
  gap: null,
  timers: [],
  outcomes: [],
};

/** Drafts everything that accompanies a gap skipped by an operator. */
export type SkipWish = (numbers: { readonly from: number; readonly to: number }) => void;

/**
 * - `open`: its next turn may start at once.
 * - `ready`: its next turn waits for a free slot.
 * - `running`: a turn of it is under way.
 * - `reloading`: held events are being read back from the store.
 * - `blocked`: its first event, timer or outcome failed and waits for its retry.
 * - `throttled`: its next turn sends to a pipeline without room, and waits for room.
 * - `parked`: its first event was given up, or an operator has parked it; only an operator opens it again.
 */
export type LaneStatus = 'open' | 'ready' | 'running' | 'reloading' | 'blocked' | 'throttled' | 'parked';

/**
 * One key in memory: its state and its queue. There may be tens of thousands of lanes with nothing waiting, so collections are created only
 * once something does. For the same reason a lane is one object, and each of its parts a class that the next one extends:
 *
 * | part | knows |
 * |---|---|
 * | `lane-record.ts` | the key's record in the store: its state, and the next number |
 * | `lane-counts.ts` | its counters |
 * | `lane-queue.ts` | the queue, in order |
 * | `lane-waits.ts` | its waits: for a number or a moment |
 * | `lane.ts` | its state, and so what may happen now |
 *
 * A lane comes into memory `open` or `parked`, as the store has it. Its methods alone change it:
 *
 * | from | by | to | when |
 * |---|---|---|---|
 * | `open` | `queueUp` | `ready` | no turn can start now |
 * | `ready` | `takePlace` | `open` | there is a free slot for its next turn |
 * | `open` | `beginTurn`, `beginCauseTurn` | `running` | its first event, timer or outcome begins its turn |
 * | `running` | `endTurn` | `open` | the turn is over, whatever its result |
 * | `open` | `beginReload` | `reloading` | its next turn may be in the store only |
 * | `reloading` | `refill` | `open` | its first held events have been read |
 * | `open` | `block` | `blocked` | a retry is due later |
 * | `blocked` | `goOn` | `open` | the retry is due, or an operator has put another event before it |
 * | `open` | `throttle` | `throttled` | the turn just decided found no room, and had no effect |
 * | `throttled` | `findRoom` | `open` | there is room |
 * | `open` | `park` | `parked` | its first event was given up, or an operator wants it parked |
 * | `parked` | `unpark` | `open` | an operator has redriven or discarded that event, or resumes a key that was parked by hand |
 *
 * Invariants, whose violation throws `MILL_INTERNAL` and ends the tenure with none of it on disk:
 *
 * - No other transition happens. So only an open lane starts a turn: a key's turns never overlap and never overtake each other (promise 3).
 * - `next` never falls: a number that was applied or given up would have another turn (promise 2).
 * - Held events come back in order: otherwise those behind the last one read would count as read (promise 3).
 * - A gap begins only in a lane with numbers, and is noted only while it exists.
 *
 * Everything behind a blocked, throttled or parked lane's first item is held in the store and not kept here, so that it costs other keys
 * nothing (promise 4).
 */
export class Lane extends LaneWaits {
  #status: LaneStatus;
  /** The order of the event whose turn is under way. */
  #underWay: number | undefined;
  /** Up to this order, events may have come from the store, and so have been tried, before the log delivers them. */
  #readBackTo: number;
  #isRung = false;
  /** Drafts the parking, once the lane is open. */
  #parkWish: (() => void) | undefined;
  /** Drafts the skipping of its gap, once its first held event has been read. */
  #skipWish: SkipWish | undefined;

  constructor(key: string, order: ResolvedOrder | undefined, memory: LaneMemory, record: KeyRecord = emptyRecord) {
    super(key, order, memory, record);
    this.#status = record.parked ? 'parked' : 'open';
    // Of the lanes whose first event has failed, only parked ones are forgotten.
    this.#readBackTo = record.parked ? Number.POSITIVE_INFINITY : 0;
    if (record.parked) this.keyCauses?.leaveMore();
  }

  override get hasRecord(): boolean {
    return super.hasRecord || this.#status === 'parked';
  }

  get status(): LaneStatus {
    return this.#status;
  }

  /** Waits for a free slot for its next turn. */
  queueUp(): void {
    this.#turnTo('ready', 'open');
  }

  /** Takes a free slot for its next turn. */
  takePlace(): void {
    this.#turnTo('open', 'ready');
  }

  beginTurn({ order }: Waiting): void {
    this.#turnTo('running', 'open');
    this.#underWay = order;
  }

  /** Begins the turn of the first due timer or outcome. */
  beginCauseTurn(cause: StoredCause): void {
    this.#turnTo('running', 'open');
    this.ownCauses.beginTurn(cause);
  }

  /** Ends the turn: its decision is applied next, and may stop the lane. */
  endTurn(): void {
    this.#turnTo('open', 'running');
    this.#underWay = undefined;
    this.keyCauses?.endTurn();
  }

  /** Begins reading held events back: everything waiting may be in the store, until the first of it has been read. */
  beginReload(): void {
    this.#turnTo('reloading', 'open');
    this.spillNone();
  }

  /**
   * Takes the first held events, in order, skipping those already in memory.
   *
   * @param isCut true if there may be more than these
   */
  refill(events: readonly HeldEvent[], isCut: boolean): void {
    this.#turnTo('open', 'reloading');
    let last: HeldEvent | undefined;
    for (const held of events) {
      if (last !== undefined && held.order <= last.order)
        throw this.unexpected(`held events in their order, found ${held.order} after ${last.order}`);
      this.insert({ kind: 'event', ...held, held: true });
      last = held;
    }
    if (last !== undefined && last.order > this.#readBackTo) this.#readBackTo = last.order;
    if (last !== undefined && isCut) this.spillFrom(last.order + 1);
  }

  /** Makes it wait for the retry of its first event, timer or outcome. */
  block(): void {
    this.#turnTo('blocked', 'open');
  }

  /** Makes its next turn wait for room in a pipeline it sends to. */
  throttle(): void {
    this.#turnTo('throttled', 'open');
  }

  /** Notes that there is room for its next turn's sends. */
  findRoom(): void {
    this.#turnTo('open', 'throttled');
  }

  /** Parks it after its first event was given up. Due timers and outcomes are left to the store, so that the lane may be forgotten. */
  park(): void {
    this.#turnTo('parked', 'open');
    this.keyCauses?.leave();
  }

  /** Opens it after an operator has resolved the dead letter of its first event. */
  unpark(): void {
    this.#turnTo('open', 'parked');
  }

  /** Notes an operator's wish to park it: no further turn of it begins. */
  wantParked(wish: () => void): void {
    this.#parkWish = wish;
  }

  get isParkWanted(): boolean {
    return this.#parkWish !== undefined;
  }

  /** Hands out an operator's wish to park it, once. */
  takeParkWish(): (() => void) | undefined {
    const wish = this.#parkWish;
    this.#parkWish = undefined;
    return wish;
  }

  /** Notes an operator's wish to skip the numbers it waits for. */
  wantSkipped(wish: SkipWish | undefined): void {
    this.#skipWish = wish;
  }

  get skipWish(): SkipWish | undefined {
    return this.#skipWish;
  }

  /** Notes that its moment has come: it proceeds once there is room. */
  ring(): void {
    this.#isRung = true;
  }

  /** Lets a lane proceed whose moment has come, now that there is room: its retry is due. */
  goOn(): void {
    this.#isRung = false;
    if (this.#status === 'blocked') this.#turnTo('open', 'blocked');
  }

  /**
   * Takes a timer or outcome that has come due; an earlier one goes first. Returns whether it waits for its turn here: a parked lane leaves
   * it to the store.
   */
  comeDue(cause: StoredCause): boolean {
    const isParked = this.#status === 'parked';
    if (isParked) this.ownCauses.leaveMore();
    else this.ownCauses.comeDue(cause);
    return !isParked;
  }

  /** Hands out the timers and outcomes that may have come due while it was parked; none while it still is. */
  takeLeft(): readonly StoredCause[] {
    if (this.#status !== 'parked') return this.keyCauses?.takeLeft() ?? [];
    this.ownCauses.leaveMore();
    return [];
  }

  /** True if its moment has come, and it waits for permission to proceed. */
  get isRung(): boolean {
    return this.#isRung;
  }

  /** Returns whether an event of that order may have been read back from the store before now. */
  mayHaveBeenReadBack(order: number): boolean {
    return order <= this.#readBackTo;
  }

  /** Returns whether that is the order of the event whose turn is under way. */
  isUnderWay(order: number): boolean {
    return this.#underWay === order;
  }

  /** True if it has a turn or is about to. */
  get isBusy(): boolean {
    return this.#status === 'ready' || this.#status === 'running' || this.#status === 'reloading';
  }

  /**
   * True if nothing is left to do now: everything that can run has run, and the key was notified of all outcomes. Retries and operators may
   * still be pending.
   */
  get isAtRest(): boolean {
    if (this.#status === 'parked') return true;
    if (this.isBusy || (this.#status === 'open' && (this.spillComesFirst || this.runnable !== undefined))) return false;
    return this.keyCauses?.hasOutcome !== true;
  }

  /** True if an asynchronous handler is running. */
  get isRunning(): boolean {
    return this.#status === 'running';
  }

  /** True if its first event blocks all others. */
  get isStopped(): boolean {
    return this.#status === 'blocked' || this.#status === 'throttled' || this.#status === 'parked';
  }

  /** True if everything waiting for it waits for a missing number. */
  get hasGap(): boolean {
    const { first } = this;
    return this.numbered && this.#status === 'open' && first !== Number.POSITIVE_INFINITY && first > this.next;
  }

  /** True if a new event would have its turn at once: nothing waits, and no timer or outcome might precede it. */
  get isFree(): boolean {
    return this.#status === 'open' && this.queued === 0 && (this.keyCauses === undefined || this.keyCauses.isEmpty);
  }

  /** Returns whether the lane could be forgotten now without losing anything: the store has all of it. */
  isForgettable(committedDraft: number): boolean {
    const still = this.#status === 'parked' || (this.#status === 'open' && !this.isArmed);
    if (
      !still ||
      this.#isRung ||
      this.#parkWish !== undefined ||
      this.#skipWish !== undefined ||
      this.isGapYoung ||
      (this.head?.attempts ?? 0) > 0 ||
      this.arriving > 0 ||
      this.hasDueCause
    )
      return false;
    return this.draft <= committedDraft && (this.numbered || this.queued === 0);
  }

  #turnTo(next: LaneStatus, from: LaneStatus): void {
    if (this.#status !== from) throw this.unexpected(`it to be ${from} before it is ${next}, found it ${this.#status}`);
    this.#status = next;
  }
}
