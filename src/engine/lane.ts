import type { ResolvedOrder } from '../pipeline/pipeline.ts';
import type { Gap, KeyedTimer, KeyRecord, StoredState, StoredTimer, TimerWrite } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { bytesOfEvent, bytesOfJson, bytesOfText, type Holding } from './memory.ts';
import { isOutcome } from './outbox/outcome.ts';
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

/** A timer that has come due and waits for its turn. */
export type DueTimer = KeyedTimer;

/** What lanes take up in memory. */
export interface LaneMemory {
  readonly waiting: Holding;
  readonly states: Holding;
}

const emptyRecord: KeyRecord = { state: null, next: null, parked: false, heldFrom: null, held: 0, gap: null, timers: [] };

/**
 * One key in memory: its state and what waits for it. There are tens of thousands of them in which nothing waits: collections
 * are made for those in which something does. A lane is
 *
 * - `open`: its next turn may start at once;
 * - `ready`: it has a next turn, which waits for a free place;
 * - `running`: an asynchronous handler is at work;
 * - `reloading`: held events are being read back from the store;
 * - `blocked`: its first event failed and waits for its retry;
 * - `throttled`: its next turn sends to a pipeline that has no room, and waits for it;
 * - `parked`: its first event was given up; only an operator opens it again.
 *
 * Only an open lane starts a turn, so a key's turns never overlap and never overtake each other (promise 3). What waits
 * behind a blocked, throttled or parked lane is held in the store and not kept here, so that it costs other keys nothing (promise 4).
 */
export class Lane {
  readonly key: string;
  readonly numbered: boolean;
  status: 'open' | 'ready' | 'running' | 'reloading' | 'blocked' | 'throttled' | 'parked';
  stored: StoredState | null;
  /** The state as the last turn left it, for the next one alone; undefined: it must be read from its stored form. */
  #state: unknown;
  /** The number whose turn is next, in a numbered pipeline. */
  next: number;
  /** Whether `next` was ever moved, and so must be stored. */
  nextIsStored: boolean;
  /** Accepted events that wait. Those that came while the lane was being loaded may be missing. */
  pending: number;
  /** Positions up to this one count as `pending` since the lane was loaded. */
  readonly countedTo: number;
  /** The order of the event whose turn is under way. */
  underWay: number | undefined;
  /** Admitted at the door, not yet dispatched. */
  arriving = 0;
  /** Orders from this one on may be in the store only; infinite when all that waits is in memory. */
  spilledFrom: number;
  /** What it waits for while a number is missing, once it was looked at. */
  gap: Gap | undefined;
  /** Whether the store may have a note of a gap. */
  isGapNoted = false;
  /** Whether the gap is still to be noted as it stands. */
  isGapYoung = false;
  /** Timers that have come due, in the order of their moments; one that has failed is first. */
  #dueTimers: DueTimer[] | undefined;
  /** Their names. */
  #due: Set<string> | undefined;
  /** The timer whose turn is under way. */
  timerUnderWay: StoredTimer | undefined;
  /** The draft that last changed the lane: it must be on disk before the lane may be forgotten. */
  draft = 0;
  /** Calls off the alarm that the lane waits for. */
  disarm: (() => void) | undefined;
  /** The moment that the lane waits for, or has waited for long enough. */
  awaited: number | undefined;
  /** Since when it waits, and for what; undefined while it goes on. */
  wait: Wait | undefined;
  /** Which of the lanes that have become busy it is, while it is busy; 0 while it is not. */
  busySince = 0;
  /** Its moment has come, and it waits until it may go on. */
  isRung = false;
  /** Whether timers of it may have come due while it was parked: they wait in the store until it is open. */
  hasLeft: boolean;
  /** Used since the last sweep of idle lanes. */
  isWarm = true;
  /** The timers that are armed, by name, the due ones among them. */
  #armed: Map<string, StoredTimer> | undefined;
  /** Those of them that are neither among the due ones nor under way, once they are not all of them. */
  #ahead: Map<string, StoredTimer> | undefined;
  /** Ascending by order. */
  #queue: Waiting[] | undefined;
  readonly #memory: LaneMemory;
  #stateBytes = 0;
  /** Bytes of the data of armed timers. */
  #timerBytes = 0;

  constructor(key: string, order: ResolvedOrder | undefined, memory: LaneMemory, record: KeyRecord = emptyRecord, countedTo = 0) {
    this.key = key;
    this.#memory = memory;
    this.numbered = order !== undefined;
    this.status = record.parked ? 'parked' : 'open';
    this.stored = record.state;
    this.next = record.next ?? order?.from ?? 0;
    this.nextIsStored = record.next !== null;
    this.pending = record.held;
    this.countedTo = countedTo;
    this.spilledFrom = record.heldFrom ?? Number.POSITIVE_INFINITY;
    this.hasLeft = record.parked && record.timers.length > 0;
    this.gap = record.gap ?? undefined;
    this.isGapNoted = record.gap !== null;
    if (record.timers.length > 0) this.#armed = new Map(record.timers.map((timer) => [timer.name, timer]));
    this.#holdState(record.state === null ? 0 : bytesOfText(record.state.json));
    for (const { data } of record.timers) this.#holdTimer(data, 1);
  }

  /** Whether it has a turn or is about to. */
  get isBusy(): boolean {
    return this.status === 'ready' || this.status === 'running' || this.status === 'reloading';
  }

  /** Whether nothing is left to do now: all that can run has run, and of all outcomes it has been told. What waits for a retry or an operator waits. */
  get isAtRest(): boolean {
    if (this.status === 'parked') return true;
    if (this.isBusy || (this.status === 'open' && (this.spillComesFirst || this.runnable !== undefined))) return false;
    for (const name of this.#armed?.keys() ?? []) if (isOutcome(name)) return false;
    return true;
  }

  /** Whether an asynchronous handler is at work. */
  get isRunning(): boolean {
    return this.status === 'running';
  }

  /** Whether its first event keeps all others waiting. */
  get isStopped(): boolean {
    return this.status === 'blocked' || this.status === 'throttled' || this.status === 'parked';
  }

  /** Whether all that waits for it waits for a number that has not come. */
  get hasGap(): boolean {
    const { first } = this;
    return this.numbered && this.status === 'open' && first !== Number.POSITIVE_INFINITY && first > this.next;
  }

  /** The lowest order that may wait; infinite when nothing does. */
  get first(): number {
    return Math.min(this.spilledFrom, this.head?.order ?? Number.POSITIVE_INFINITY);
  }

  /** Whether an event that comes now has its turn at once: nothing waits, and there is no timer that might go before it. */
  get isFree(): boolean {
    return this.status === 'open' && this.queued === 0 && !this.hasDueTimer && this.#armed === undefined;
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
      this.#memory.waiting.change(bytesOfEvent(waiting));
      return true;
    }
    let at = queue.length;
    while (at > 0 && (queue[at - 1] as Waiting).order > waiting.order) at -= 1;
    if (at > 0 && queue[at - 1]?.order === waiting.order) return false;
    if (at === queue.length) queue.push(waiting);
    else queue.splice(at, 0, waiting);
    this.#memory.waiting.change(bytesOfEvent(waiting));
    return true;
  }

  /** Whether the lane's next turn may be in the store only, so that it must be read back first. */
  get spillComesFirst(): boolean {
    if (this.spilledFrom === Number.POSITIVE_INFINITY) return false;
    if (this.spilledFrom >= (this.head?.order ?? Number.POSITIVE_INFINITY)) return false;
    return !this.numbered || this.spilledFrom <= this.next;
  }

  /** The timer whose turn is next: it came due before the first event that can run was accepted, or has had its turn and failed. */
  get dueTimer(): DueTimer | undefined {
    const timer = this.#dueTimers?.[0];
    if (timer === undefined) return undefined;
    const event = this.runnable;
    return event === undefined || event.acceptedAt > timer.dueAt || timer.attempts > 0 ? timer : undefined;
  }

  /**
   * Takes the timers that go before the next event although nobody has asked the store for them yet: those that came due
   * before it was accepted, and one that has had its turn and failed, while nobody was there perhaps.
   */
  takeOverdue(clock: Pick<Clock, 'now'>): void {
    const ahead = this.#ahead ?? this.#armed;
    if (ahead === undefined || ahead.size === 0) return;
    const event = this.runnable;
    if (event === undefined) return;
    const now = clock.now();
    for (const timer of ahead.values()) {
      // The clock may have been set back since a timer failed, or an outcome came.
      const isDue = timer.dueAt <= now || isOutcome(timer.name);
      if (timer.attempts > 0 || (isDue && timer.dueAt < event.acceptedAt)) this.takeDue(timer);
    }
  }

  /** Takes a timer that has come due, once, to its place in the order in which they did. */
  takeDue(timer: StoredTimer): void {
    const { timerUnderWay } = this;
    if (timerUnderWay?.name === timer.name && timerUnderWay.data === timer.data) return;
    if (this.#due?.has(timer.name) === true) return;
    this.#dueTimers ??= [];
    const due = this.#dueTimers;
    let at = due.length;
    while (at > 0 && (due[at - 1] as DueTimer).dueAt > timer.dueAt && (due[at - 1] as DueTimer).attempts === 0) at -= 1;
    due.splice(at, 0, { ...timer, key: this.key });
    this.#comes(timer.name);
  }

  /** All timers that are armed, the soonest first, whether they wait for their turn already or not. */
  get timers(): readonly DueTimer[] {
    const timers = Array.from(this.#armed?.values() ?? [], (timer) => ({ ...timer, key: this.key }));
    return timers.sort((one, other) => one.dueAt - other.dueAt);
  }

  /** Leaves the timers that have come due to the store: it is parked, and may be forgotten. */
  leaveDue(): void {
    if (!this.hasDueTimer) return;
    this.#dueTimers = undefined;
    this.#due = undefined;
    this.#ahead = undefined;
    this.hasLeft = true;
  }

  /** Whether a timer that has come due waits for its turn. */
  get hasDueTimer(): boolean {
    return this.#dueTimers !== undefined && this.#dueTimers.length > 0;
  }

  /** Takes the first timer that has come due: its turn begins. */
  takeDueTimer(): void {
    const timer = this.#dueTimers?.shift();
    if (timer !== undefined) this.#due?.delete(timer.name);
    if (this.#due?.size !== 0) return;
    this.#dueTimers = undefined;
    this.#due = undefined;
  }

  /** The timer has failed and is first again: all else of the key waits for it. */
  retryTimer(timer: StoredTimer): void {
    this.#dueTimers ??= [];
    this.#dueTimers.unshift({ ...timer, key: this.key });
    this.#comes(timer.name);
  }

  /** Whether another timer of its name was armed while it had its turn: an outcome may come during the turn of the one before. */
  isReplaced({ name, data }: Pick<StoredTimer, 'name' | 'data'>): boolean {
    const armed = this.armed(name);
    return armed !== undefined && armed.data !== data;
  }

  /** The timer of that name, if it is armed. */
  armed(name: string): StoredTimer | undefined {
    return this.#armed?.get(name);
  }

  /** The event whose turn is next: the first one, in a numbered lane only when its number has come. */
  get runnable(): Waiting | undefined {
    const head = this.head;
    return head !== undefined && (!this.numbered || head.order <= this.next) ? head : undefined;
  }

  /** @param next shared with nobody */
  moveState(next: unknown, stored: StoredState | null): void {
    this.#holdState(stored === null ? 0 : bytesOfJson(stored.json, next));
    this.stored = stored;
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
    this.next = next;
    this.nextIsStored = true;
  }

  /** A timer was set, cancelled, or had its turn: one of that name that came due before must not fire. */
  writeTimer({ name, timer }: Pick<TimerWrite, 'name' | 'timer'>): void {
    if (this.#due?.delete(name) === true) this.#dueTimers = this.#dueTimers?.filter((due) => due.name !== name);
    this.#holdTimer(this.#armed?.get(name)?.data, -1);
    this.#holdTimer(timer?.data, 1);
    if (timer === null) {
      this.#armed?.delete(name);
      this.#ahead?.delete(name);
    } else {
      const armed = { name, ...timer };
      this.#armed ??= new Map();
      this.#armed.set(name, armed);
      this.#ahead?.set(name, armed);
    }
    if (this.#armed?.size === 0) {
      this.#armed = undefined;
      this.#ahead = undefined;
    }
  }

  takeHead(): Waiting | undefined {
    const head = this.#queue?.shift();
    if (head !== undefined) this.#memory.waiting.change(-bytesOfEvent(head));
    if (this.#queue?.length === 0) this.#queue = undefined;
    return head;
  }

  /** Forgets all that waits in memory, since the store holds it, and answers what that was. */
  spill(): readonly Waiting[] {
    const spilled = this.#queue ?? [];
    this.#queue = undefined;
    for (const waiting of spilled) this.#memory.waiting.change(-bytesOfEvent(waiting));
    if (spilled[0] !== undefined) this.spilledFrom = Math.min(this.spilledFrom, spilled[0].order);
    return spilled;
  }

  /** Whether nothing would be lost if the lane were forgotten now; the store has it as it stands. */
  isForgettable(committedDraft: number): boolean {
    const still = this.status === 'parked' || (this.status === 'open' && this.disarm === undefined);
    if (!still || this.isRung || this.isGapYoung || this.arriving > 0 || this.hasDueTimer) return false;
    return this.draft <= committedDraft && (this.numbered || this.queued === 0);
  }

  /** It is no longer in memory. */
  forget(): void {
    for (const waiting of this.#queue ?? []) this.#memory.waiting.change(-bytesOfEvent(waiting));
    this.#memory.states.change(-this.#stateBytes - this.#timerBytes);
  }

  #holdState(bytes: number): void {
    if (bytes !== this.#stateBytes) this.#memory.states.change(bytes - this.#stateBytes);
    this.#stateBytes = bytes;
  }

  /** @param sign 1 for a timer that comes, -1 for one that goes */
  #holdTimer(data: string | null | undefined, sign: 1 | -1): void {
    if (data === null || data === undefined) return;
    this.#timerBytes += sign * bytesOfText(data);
    this.#memory.states.change(sign * bytesOfText(data));
  }

  /** The timer of that name is among the due ones. */
  #comes(name: string): void {
    this.#due ??= new Set();
    this.#due.add(name);
    if (this.#armed === undefined) return;
    this.#ahead ??= new Map(this.#armed);
    this.#ahead.delete(name);
  }
}
