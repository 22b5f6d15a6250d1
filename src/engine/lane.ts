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

/** Drafts what comes with a gap that an operator has skipped. */
export type SkipWish = (numbers: { readonly from: number; readonly to: number }) => void;

/**
 * - `open`: its next turn may start at once.
 * - `ready`: it has a next turn, which waits for a free place.
 * - `running`: a turn of it is under way.
 * - `reloading`: held events are being read back from the store.
 * - `blocked`: its first event, timer or outcome failed and waits for its retry.
 * - `throttled`: its next turn sends to a pipeline that has no room, and waits for it.
 * - `parked`: its first event was given up, or an operator has parked it; only an operator opens it again.
 */
export type LaneStatus = 'open' | 'ready' | 'running' | 'reloading' | 'blocked' | 'throttled' | 'parked';

/**
 * One key in memory: its state and what waits for it. There are tens of thousands of them in which nothing waits: collections
 * are made for those in which something does. For the same reason a lane is one object, and each of its parts a class that the next
 * one extends:
 *
 * | part | knows |
 * |---|---|
 * | `lane-record.ts` | what the store has of the key: its state, and the next number |
 * | `lane-counts.ts` | what is counted of it |
 * | `lane-queue.ts` | what waits for its turn, and in which order |
 * | `lane-waits.ts` | what the key waits for: a number or a moment |
 * | `lane.ts` | in which state it is, and so what may happen now |
 *
 * A lane comes into memory `open` or `parked`, as the store has it. Its methods alone change it:
 *
 * | from | by | to | when |
 * |---|---|---|---|
 * | `open` | `queueUp` | `ready` | no turn can start now |
 * | `ready` | `takePlace` | `open` | there is a free place for its next turn |
 * | `open` | `beginTurn`, `beginCauseTurn` | `running` | its first event, timer or outcome has its turn |
 * | `running` | `endTurn` | `open` | the turn is over, whatever became of it |
 * | `open` | `beginReload` | `reloading` | its next turn may be in the store only |
 * | `reloading` | `refill` | `open` | its first held events have been read |
 * | `open` | `block` | `blocked` | a retry is due later |
 * | `blocked` | `goOn` | `open` | the retry is due, or an operator has put another event before it |
 * | `open` | `throttle` | `throttled` | the turn that was just decided found no room, and had no effect |
 * | `throttled` | `findRoom` | `open` | there is room |
 * | `open` | `park` | `parked` | its first event was given up, or an operator wants it parked |
 * | `parked` | `unpark` | `open` | an operator has redriven or discarded that event, or lets a key go on that was parked by hand |
 *
 * What may never happen, and throws `MILL_INTERNAL`, so that the tenure ends with nothing of it on disk:
 *
 * - Any other transition. So only an open lane starts a turn: a key's turns never overlap and never overtake each other (promise 3).
 * - `next` falls: a number that was applied or given up would have another turn (promise 2).
 * - Held events come back out of their order: those behind the last one that was read would be taken for read (promise 3).
 * - A gap begins in a lane without numbers, or is noted where there is none.
 *
 * What waits behind a blocked, throttled or parked lane is held in the store and not kept here, so that it costs other keys nothing
 * (promise 4).
 */
export class Lane extends LaneWaits {
  #status: LaneStatus;
  /** The order of the event whose turn is under way. */
  #underWay: number | undefined;
  #isRung = false;
  /** Drafts what parks it, once it is open. */
  #parkWish: (() => void) | undefined;
  /** Drafts what skips its gap, once its first held event has been read. */
  #skipWish: SkipWish | undefined;

  constructor(key: string, order: ResolvedOrder | undefined, memory: LaneMemory, record: KeyRecord = emptyRecord) {
    super(key, order, memory, record);
    this.#status = record.parked ? 'parked' : 'open';
    if (record.parked) this.keyCauses?.leaveMore();
  }

  override get hasRecord(): boolean {
    return super.hasRecord || this.#status === 'parked';
  }

  get status(): LaneStatus {
    return this.#status;
  }

  /** Its next turn waits for a free place. */
  queueUp(): void {
    this.#turnTo('ready', 'open');
  }

  /** There is a free place for its next turn. */
  takePlace(): void {
    this.#turnTo('open', 'ready');
  }

  beginTurn({ order }: Waiting): void {
    this.#turnTo('running', 'open');
    this.#underWay = order;
  }

  /** The turn of the first timer or outcome that has come due begins. */
  beginCauseTurn(cause: StoredCause): void {
    this.#turnTo('running', 'open');
    this.ownCauses.beginTurn(cause);
  }

  /** The turn is over: what it has decided comes next, and may stop the lane. */
  endTurn(): void {
    this.#turnTo('open', 'running');
    this.#underWay = undefined;
    this.keyCauses?.endTurn();
  }

  /** Held events are read back: all that waits may be in the store, until the first of it has been read. */
  beginReload(): void {
    this.#turnTo('reloading', 'open');
    this.spillNone();
  }

  /**
   * Takes the first held events in, in their order, as far as they are not in memory already.
   *
   * @param isCut whether there may be more than these
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
    if (last !== undefined && isCut) this.spillFrom(last.order + 1);
  }

  /** Its first event, timer or outcome waits for its retry. */
  block(): void {
    this.#turnTo('blocked', 'open');
  }

  /** Its next turn waits for room in a pipeline that it sends to. */
  throttle(): void {
    this.#turnTo('throttled', 'open');
  }

  /** There is room for what its next turn sends. */
  findRoom(): void {
    this.#turnTo('open', 'throttled');
  }

  /** Its first event was given up. Timers and outcomes that have come due are left to the store, so that it may be forgotten. */
  park(): void {
    this.#turnTo('parked', 'open');
    this.keyCauses?.leave();
  }

  /** An operator has resolved the dead letter of its first event. */
  unpark(): void {
    this.#turnTo('open', 'parked');
  }

  /** An operator wants it parked: no further turn of it begins. */
  wantParked(wish: () => void): void {
    this.#parkWish = wish;
  }

  get isParkWanted(): boolean {
    return this.#parkWish !== undefined;
  }

  /** Hands out the wish of an operator to park it, once. */
  takeParkWish(): (() => void) | undefined {
    const wish = this.#parkWish;
    this.#parkWish = undefined;
    return wish;
  }

  /** An operator wants the numbers skipped that it waits for. */
  wantSkipped(wish: SkipWish | undefined): void {
    this.#skipWish = wish;
  }

  get skipWish(): SkipWish | undefined {
    return this.#skipWish;
  }

  /** Its moment has come: it goes on once there is room. */
  ring(): void {
    this.#isRung = true;
  }

  /** There is room for a lane whose moment has come: its retry is due. */
  goOn(): void {
    this.#isRung = false;
    if (this.#status === 'blocked') this.#turnTo('open', 'blocked');
  }

  /**
   * A timer or outcome has come due, and what came due before it goes first. Returns whether it waits for its turn here: a parked lane
   * leaves it to the store.
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

  /** Whether its moment has come, and it waits until it may go on. */
  get isRung(): boolean {
    return this.#isRung;
  }

  /** Whether that is the order of the event whose turn is under way. */
  isUnderWay(order: number): boolean {
    return this.#underWay === order;
  }

  /** Whether it has a turn or is about to. */
  get isBusy(): boolean {
    return this.#status === 'ready' || this.#status === 'running' || this.#status === 'reloading';
  }

  /** Whether nothing is left to do now: all that can run has run, and of all outcomes it has been told. What waits for a retry or an operator waits. */
  get isAtRest(): boolean {
    if (this.#status === 'parked') return true;
    if (this.isBusy || (this.#status === 'open' && (this.spillComesFirst || this.runnable !== undefined))) return false;
    return this.keyCauses?.hasOutcome !== true;
  }

  /** Whether an asynchronous handler is at work. */
  get isRunning(): boolean {
    return this.#status === 'running';
  }

  /** Whether its first event keeps all others waiting. */
  get isStopped(): boolean {
    return this.#status === 'blocked' || this.#status === 'throttled' || this.#status === 'parked';
  }

  /** Whether all that waits for it waits for a number that has not come. */
  get hasGap(): boolean {
    const { first } = this;
    return this.numbered && this.#status === 'open' && first !== Number.POSITIVE_INFINITY && first > this.next;
  }

  /** Whether an event that comes now has its turn at once: nothing waits, and there is no timer or outcome that might go before it. */
  get isFree(): boolean {
    return this.#status === 'open' && this.queued === 0 && (this.keyCauses === undefined || this.keyCauses.isEmpty);
  }

  /** Whether nothing would be lost if the lane were forgotten now; the store has it as it stands. */
  isForgettable(committedDraft: number): boolean {
    const still = this.#status === 'parked' || (this.#status === 'open' && !this.isArmed);
    if (
      !still ||
      this.#isRung ||
      this.#parkWish !== undefined ||
      this.#skipWish !== undefined ||
      this.isGapYoung ||
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
