import { MillraceError } from '../errors.ts';
import type { ResolvedOrder } from '../pipeline/pipeline.ts';
import type { Gap, HeldEvent, KeyRecord, StoredState, StoredTimer, TimerWrite } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { type DueTimer, KeyTimers } from './key-timers.ts';
import type { LaneMemory } from './lane-memory.ts';
import { bytesOfJson, bytesOfText } from './memory.ts';
import type { Wait } from './waits.ts';

/** An event in memory that waits for its turn, or has it. */
export interface Waiting {
  /** Its place in the lane: the event's number, or its position. */
  readonly order: number;
  readonly position: number;
  readonly id: string;
  readonly number: number | null;
  readonly acceptedAt: number;
  readonly body: string;
  readonly traceparent: string | null;
  /** The parsed body, for the first attempt: what others have no part of. */
  readonly event?: unknown;
  /** What both take up in memory. */
  readonly bytes?: number | undefined;
  attempts: number;
  /** Not to be tried before. */
  readonly retryAt: number | null;
  /** Whether the store holds it, so that the cursor may pass it. */
  held: boolean;
}

const emptyRecord: KeyRecord = { state: null, next: null, parked: false, heldFrom: null, held: 0, gap: null, timers: [] };

/**
 * - `open`: its next turn may start at once.
 * - `ready`: it has a next turn, which waits for a free place.
 * - `running`: a turn of it is under way.
 * - `reloading`: held events are being read back from the store.
 * - `blocked`: its first event or timer failed and waits for its retry.
 * - `throttled`: its next turn sends to a pipeline that has no room, and waits for it.
 * - `parked`: its first event was given up; only an operator opens it again.
 */
export type LaneStatus = 'open' | 'ready' | 'running' | 'reloading' | 'blocked' | 'throttled' | 'parked';

/**
 * One key in memory: its state and what waits for it. There are tens of thousands of them in which nothing waits: collections
 * are made for those in which something does.
 *
 * A lane comes into memory `open` or `parked`, as the store has it. Its methods alone change it:
 *
 * | from | by | to | when |
 * |---|---|---|---|
 * | `open` | `queueUp` | `ready` | no turn can start now |
 * | `ready` | `takePlace` | `open` | there is a free place for its next turn |
 * | `open` | `beginTurn`, `beginTimerTurn` | `running` | its first event or timer has its turn |
 * | `running` | `endTurn` | `open` | the turn is over, whatever became of it |
 * | `open` | `beginReload` | `reloading` | its next turn may be in the store only |
 * | `reloading` | `refill` | `open` | its first held events have been read |
 * | `open` | `block` | `blocked` | a retry is due later |
 * | `blocked` | `goOn` | `open` | the retry is due, or an operator has put another event before it |
 * | `open` | `throttle` | `throttled` | the turn that was just decided found no room, and had no effect |
 * | `throttled` | `findRoom` | `open` | there is room |
 * | `open` | `park` | `parked` | its first event was given up |
 * | `parked` | `unpark` | `open` | an operator has redriven or discarded that event |
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
export class Lane {
  readonly key: string;
  readonly numbered: boolean;
  #status: LaneStatus;
  #stored: StoredState | null;
  /** The state as the last turn left it, for the next one alone; undefined: it must be read from its stored form. */
  #state: unknown;
  #next: number;
  #nextIsStored: boolean;
  #pending: number;
  /** Positions up to this one count as `pending` since the lane was loaded. */
  readonly #countedTo: number;
  /** The order of the event whose turn is under way. */
  #underWay: number | undefined;
  #arriving = 0;
  #spilledFrom: number;
  #gap: Gap | undefined;
  /** Whether the store may have a note of a gap. */
  #isGapNoted: boolean;
  /** Whether the gap is still to be noted as it stands. */
  #isGapYoung = false;
  #draft = 0;
  /** Calls off the alarm that the lane waits for. */
  #disarm: (() => void) | undefined;
  /** The moment that the lane waits for, or has waited for long enough. */
  #awaited: number | undefined;
  #wait: Wait | undefined;
  #busySince = 0;
  #isRung = false;
  /** Used since the last sweep of idle lanes. */
  #isWarm = true;
  /** Undefined before the first. */
  #timers: KeyTimers | undefined;
  /** Ascending by order. */
  #queue: Waiting[] | undefined;
  readonly #memory: LaneMemory;
  #stateBytes = 0;

  constructor(key: string, order: ResolvedOrder | undefined, memory: LaneMemory, record: KeyRecord = emptyRecord, countedTo = 0) {
    this.key = key;
    this.#memory = memory;
    this.numbered = order !== undefined;
    this.#status = record.parked ? 'parked' : 'open';
    this.#stored = record.state;
    this.#next = record.next ?? order?.from ?? 0;
    this.#nextIsStored = record.next !== null;
    this.#pending = record.held;
    this.#countedTo = countedTo;
    this.#spilledFrom = record.heldFrom ?? Number.POSITIVE_INFINITY;
    this.#gap = record.gap ?? undefined;
    this.#isGapNoted = record.gap !== null;
    this.#holdState(record.state === null ? 0 : bytesOfText(record.state.json));
    if (record.timers.length === 0) return;
    this.#ownTimers.load(record.timers);
    if (record.parked) this.#ownTimers.leaveMore();
  }

  get status(): LaneStatus {
    return this.#status;
  }

  /** The state as it is stored, or will be. */
  get stored(): StoredState | null {
    return this.#stored;
  }

  /** The number whose turn is next, in a numbered pipeline. */
  get next(): number {
    return this.#next;
  }

  /** Whether `next` was ever moved, and so must be stored. */
  get nextIsStored(): boolean {
    return this.#nextIsStored;
  }

  /** Accepted events that wait. Those that came while the lane was being loaded may be missing. */
  get pending(): number {
    return this.#pending;
  }

  /** Events that were admitted at the door, and have not been dispatched. */
  get arriving(): number {
    return this.#arriving;
  }

  /** Orders from this one on may be in the store only; infinite when all that waits is in memory. */
  get spilledFrom(): number {
    return this.#spilledFrom;
  }

  /** What it waits for while a number is missing, once it was looked at. */
  get gap(): Gap | undefined {
    return this.#gap;
  }

  /** The draft that last changed the lane: it must be on disk before the lane may be forgotten. */
  get draft(): number {
    return this.#draft;
  }

  /** Since when it waits, and for what; undefined while it goes on. */
  get wait(): Wait | undefined {
    return this.#wait;
  }

  /** Which of the lanes that have become busy it is, while it is busy; 0 while it is not. */
  get busySince(): number {
    return this.#busySince;
  }

  /** Whether its moment has come, and it waits until it may go on. */
  get isRung(): boolean {
    return this.#isRung;
  }

  /** Whether timers of it may have come due while it was parked: they wait in the store until it is open. */
  get hasLeft(): boolean {
    return this.#timers?.hasLeft === true;
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

  /** The turn of the first timer that has come due begins. */
  beginTimerTurn(timer: DueTimer): void {
    this.#turnTo('running', 'open');
    this.#ownTimers.beginTurn(timer);
  }

  /** The turn is over: what it has decided comes next, and may stop the lane. */
  endTurn(): void {
    this.#turnTo('open', 'running');
    this.#underWay = undefined;
    this.#timers?.endTurn();
  }

  /** Held events are read back: all that waits may be in the store, until the first of it has been read. */
  beginReload(): void {
    this.#turnTo('reloading', 'open');
    this.#spilledFrom = Number.POSITIVE_INFINITY;
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
        throw this.#unexpected(`held events in their order, found ${held.order} after ${last.order}`);
      this.insert({ ...held, held: true });
      last = held;
    }
    if (last !== undefined && isCut) this.spillFrom(last.order + 1);
  }

  /** Its first event or timer waits for its retry. */
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

  /** Its first event was given up. The timers that have come due are left to the store, so that it may be forgotten. */
  park(): void {
    this.#turnTo('parked', 'open');
    this.#timers?.leave();
  }

  /** An operator has resolved the dead letter of its first event. */
  unpark(): void {
    this.#turnTo('open', 'parked');
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

  /** An alarm will ring for it at a moment, in the place of the one before. */
  arm(at: number, disarm: () => void): void {
    this.disarm();
    this.#awaited = at;
    this.#disarm = disarm;
  }

  /** Its alarm has rung: it has waited for the moment long enough. */
  alarmRang(): void {
    this.#disarm = undefined;
  }

  /** Calls off its alarm, if there is one. */
  disarm(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    this.#awaited = undefined;
  }

  /** Whether an alarm will ring for it. */
  get isArmed(): boolean {
    return this.#disarm !== undefined;
  }

  /** Whether its alarm will ring at that moment. */
  isArmedFor(at: number): boolean {
    return this.#disarm !== undefined && this.#awaited === at;
  }

  /** Whether its alarm has rung for that moment, whatever the clock says. */
  hasAwaited(at: number): boolean {
    return this.#disarm === undefined && this.#awaited === at;
  }

  /** The door has let events in. */
  admit(events = 1): void {
    this.#arriving += events;
  }

  /** An event that the door let in has been dispatched, or will not come. */
  endArrival(): void {
    if (this.#arriving > 0) this.#arriving -= 1;
  }

  /** An event waits from now on. */
  countPending(): void {
    this.#pending += 1;
  }

  /** An event waits no more. */
  countSettled(): void {
    if (this.#pending > 0) this.#pending -= 1;
  }

  /** No event waits, whatever was counted. */
  countNonePending(): void {
    this.#pending = 0;
  }

  /** Whether the count of a lane that was loaded has an event already. */
  hasCounted({ position }: Pick<Waiting, 'position'>): boolean {
    return position <= this.#countedTo;
  }

  /** Whether that is the order of the event whose turn is under way. */
  isUnderWay(order: number): boolean {
    return this.#underWay === order;
  }

  /** Orders from this one on may be in the store only. */
  spillFrom(order: number): void {
    if (order < this.#spilledFrom) this.#spilledFrom = order;
  }

  /** A number is missing before the first event that waits. @param since when that began */
  beginGap(first: number, since: number): Gap {
    if (!this.numbered) throw this.#unexpected('it to have numbers, found a gap without');
    this.#gap = { next: this.#next, first, since };
    this.#isGapYoung = true;
    return this.#gap;
  }

  /** The gap has lasted, and is noted in the store as it stands. */
  noteGap(): Gap {
    if (this.#gap === undefined) throw this.#unexpected('a gap to be noted, found none');
    this.#isGapYoung = false;
    this.#isGapNoted = true;
    return this.#gap;
  }

  /** The clock was set back: the gap counts from that moment, and the store has to know. */
  turnGapBack(now: number): Gap {
    if (this.#gap === undefined) throw this.#unexpected('a gap that counts from a later moment, found none');
    this.#gap = { ...this.#gap, since: Math.min(this.#gap.since, now) };
    this.#isGapNoted = true;
    return this.#gap;
  }

  /** It has its number, or waits for it no longer. Returns whether the store may have a note of the gap, which must go. */
  endGap(): boolean {
    const wasNoted = this.#isGapNoted;
    this.#gap = undefined;
    this.#isGapYoung = false;
    this.#isGapNoted = false;
    return wasNoted;
  }

  /** It waits, for what the wait says. */
  beginWait(wait: Wait): void {
    this.#wait = wait;
  }

  /** It goes on. */
  endWait(): void {
    this.#wait = undefined;
  }

  /** A draft changes what the store has of it. */
  changeIn(draft: number): void {
    if (draft > this.#draft) this.#draft = draft;
  }

  /** @param nth which of the lanes that have become busy it is */
  becomeBusy(nth: number): void {
    this.#busySince = nth;
  }

  /** It is busy no longer. */
  rest(): void {
    this.#busySince = 0;
  }

  /** It is in use: the next sweep leaves it in memory. */
  warm(): void {
    this.#isWarm = true;
  }

  /** A sweep has come by. Returns whether it was in use since the last one. */
  cool(): boolean {
    const wasWarm = this.#isWarm;
    this.#isWarm = false;
    return wasWarm;
  }

  /** Whether it has a turn or is about to. */
  get isBusy(): boolean {
    return this.#status === 'ready' || this.#status === 'running' || this.#status === 'reloading';
  }

  /** Whether nothing is left to do now: all that can run has run, and of all outcomes it has been told. What waits for a retry or an operator waits. */
  get isAtRest(): boolean {
    if (this.#status === 'parked') return true;
    if (this.isBusy || (this.#status === 'open' && (this.spillComesFirst || this.runnable !== undefined))) return false;
    return this.#timers?.hasOutcome !== true;
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
    return this.numbered && this.#status === 'open' && first !== Number.POSITIVE_INFINITY && first > this.#next;
  }

  /** The lowest order that may wait; infinite when nothing does. */
  get first(): number {
    return Math.min(this.#spilledFrom, this.head?.order ?? Number.POSITIVE_INFINITY);
  }

  /** Whether an event that comes now has its turn at once: nothing waits, and there is no timer that might go before it. */
  get isFree(): boolean {
    return this.#status === 'open' && this.queued === 0 && (this.#timers === undefined || this.#timers.isEmpty);
  }

  get queued(): number {
    return this.#queue?.length ?? 0;
  }

  get head(): Waiting | undefined {
    return this.#queue?.[0];
  }

  /** Puts an event in its place; an order that is there already stays as it is. */
  insert(waiting: Waiting): boolean {
    const queue = this.#queue;
    if (queue === undefined) {
      this.#queue = [waiting];
      this.#memory.addEvent(waiting);
      return true;
    }
    let at = queue.length;
    while (at > 0 && (queue[at - 1] as Waiting).order > waiting.order) at -= 1;
    if (at > 0 && queue[at - 1]?.order === waiting.order) return false;
    if (at === queue.length) queue.push(waiting);
    else queue.splice(at, 0, waiting);
    this.#memory.addEvent(waiting);
    return true;
  }

  /** Whether the lane's next turn may be in the store only, so that it must be read back first. */
  get spillComesFirst(): boolean {
    if (this.#spilledFrom === Number.POSITIVE_INFINITY) return false;
    if (this.#spilledFrom >= (this.head?.order ?? Number.POSITIVE_INFINITY)) return false;
    return !this.numbered || this.#spilledFrom <= this.#next;
  }

  /** The timer whose turn is next, before that of any event. */
  get dueTimer(): DueTimer | undefined {
    return this.#timers?.next(this.runnable);
  }

  /** Takes the timers that go before the next event although nobody has asked the store for them yet; see {@link KeyTimers.takeOverdue}. */
  takeOverdue(clock: Pick<Clock, 'now'>): void {
    this.#timers?.takeOverdue(this.runnable, clock);
  }

  /**
   * A timer has come due, and what came due before it goes first. Returns whether it waits for its turn here: a parked lane leaves it
   * to the store.
   */
  comeDue(timer: StoredTimer): boolean {
    const isParked = this.#status === 'parked';
    if (isParked) this.#ownTimers.leaveMore();
    else this.#ownTimers.comeDue(timer);
    return !isParked;
  }

  /** Hands out the timers that may have come due while it was parked; none while it still is. */
  takeLeft(): readonly DueTimer[] {
    if (this.#status !== 'parked') return this.#timers?.takeLeft() ?? [];
    this.#ownTimers.leaveMore();
    return [];
  }

  /** All timers that are armed, the soonest first, whether they wait for their turn already or not. */
  get timers(): readonly DueTimer[] {
    return this.#timers?.all ?? [];
  }

  /** Whether a timer that has come due waits for its turn. */
  get hasDueTimer(): boolean {
    return this.#timers?.hasDue === true;
  }

  /** The timer has failed and is first again: all else of the key waits for it. */
  retryTimer(timer: StoredTimer): void {
    this.#ownTimers.retry(timer);
  }

  /** Whether another timer of its name was armed while it had its turn: an outcome may come during the turn of the one before. */
  isReplaced({ name, data }: Pick<StoredTimer, 'name' | 'data'>): boolean {
    const armed = this.armed(name);
    return armed !== undefined && armed.data !== data;
  }

  /** The timer of that name, if it is armed. */
  armed(name: string): StoredTimer | undefined {
    return this.#timers?.armed(name);
  }

  /** The event whose turn is next: the first one, in a numbered lane only when its number has come. */
  get runnable(): Waiting | undefined {
    const head = this.head;
    return head !== undefined && (!this.numbered || head.order <= this.#next) ? head : undefined;
  }

  /** @param next shared with nobody */
  moveState(next: unknown, stored: StoredState | null): void {
    this.#holdState(stored === null ? 0 : bytesOfJson(stored.json, next));
    this.#stored = stored;
    this.#state = next;
  }

  /** Hands the state to a turn, which may change it: once. Undefined when it must be read from its stored form. */
  takeState(): unknown {
    const state = this.#state;
    this.#state = undefined;
    return state;
  }

  /** All numbers below `next` are applied or given up. */
  moveTo(next: number): void {
    if (next < this.#next) throw this.#unexpected(`number ${this.#next} or a later one to be next, found ${next}`);
    this.#next = next;
    this.#nextIsStored = true;
  }

  /** A timer was set, cancelled, or had its turn: one of that name that came due before must not fire. */
  writeTimer(write: Pick<TimerWrite, 'name' | 'timer'>): void {
    this.#ownTimers.write(write);
  }

  takeHead(): Waiting | undefined {
    const head = this.#queue?.shift();
    if (head !== undefined) this.#memory.removeEvent(head);
    if (this.#queue?.length === 0) this.#queue = undefined;
    return head;
  }

  /** Forgets all that waits in memory, since the store holds it, and answers what that was. */
  spill(): readonly Waiting[] {
    const spilled = this.#queue ?? [];
    this.#queue = undefined;
    for (const waiting of spilled) this.#memory.removeEvent(waiting);
    if (spilled[0] !== undefined) this.spillFrom(spilled[0].order);
    return spilled;
  }

  /** Whether nothing would be lost if the lane were forgotten now; the store has it as it stands. */
  isForgettable(committedDraft: number): boolean {
    const still = this.#status === 'parked' || (this.#status === 'open' && this.#disarm === undefined);
    if (!still || this.#isRung || this.#isGapYoung || this.#arriving > 0 || this.hasDueTimer) return false;
    return this.#draft <= committedDraft && (this.numbered || this.queued === 0);
  }

  /** It is no longer in memory. */
  forget(): void {
    for (const waiting of this.#queue ?? []) this.#memory.removeEvent(waiting);
    this.#memory.changeStates(-this.#stateBytes);
    this.#timers?.forget();
  }

  #turnTo(next: LaneStatus, from: LaneStatus): void {
    if (this.#status !== from) throw this.#unexpected(`it to be ${from} before it is ${next}, found it ${this.#status}`);
    this.#status = next;
  }

  #unexpected(expected: string): MillraceError {
    return new MillraceError('MILL_INTERNAL', `lane of key ${JSON.stringify(this.key)}: expected ${expected}`);
  }

  #holdState(bytes: number): void {
    if (bytes !== this.#stateBytes) this.#memory.changeStates(bytes - this.#stateBytes);
    this.#stateBytes = bytes;
  }

  get #ownTimers(): KeyTimers {
    this.#timers ??= new KeyTimers(this.key, this.#memory);
    return this.#timers;
  }
}
