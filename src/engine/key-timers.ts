import type { KeyedTimer, StoredTimer, TimerWrite } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { LaneMemory } from './lane-memory.ts';
import { bytesOfText } from './memory.ts';
import { isOutcome } from './outbox/outcome.ts';

/** A timer that has come due and waits for its turn. */
export type DueTimer = KeyedTimer;

/** The event whose turn would be next. */
type NextEvent = { readonly acceptedAt: number } | undefined;

/**
 * The timers of one key in memory. A timer that is armed is
 *
 * - `ahead`: its moment has not come, as far as anybody has said;
 * - `due`: it has come due, and waits for its turn here;
 * - `under way`: it has its turn. Another of its name may be armed meanwhile, which is ahead or due by itself.
 *
 * | from | by | to |
 * |---|---|---|
 * | none | `load`, `write` | ahead |
 * | ahead | `comeDue`, `takeOverdue` | due |
 * | due | `beginTurn` | under way |
 * | under way | `retry` | due, before all others |
 * | any | `write` with a timer | ahead: the one of before must not fire |
 * | any | `write` with none | none |
 * | due | `leave` | ahead, and left |
 *
 * A parked key leaves those that come due to the store. Once it is open again, all that may have come due since are still *left*,
 * until `takeLeft` hands them out to whoever looks for them.
 */
export class KeyTimers {
  readonly #key: string;
  readonly #memory: LaneMemory;
  /** All that are armed, by name. */
  #armed: Map<string, StoredTimer> | undefined;
  /** Those that are ahead, once these are not all. */
  #ahead: Map<string, StoredTimer> | undefined;
  /** Those that are due, in the order of their moments; one that has failed is first. */
  #due: DueTimer[] | undefined;
  /** The names of these. */
  #dueNames: Set<string> | undefined;
  #underWay: StoredTimer | undefined;
  #hasLeft = false;
  /** Bytes of their data. */
  #bytes = 0;

  constructor(key: string, memory: LaneMemory) {
    this.#key = key;
    this.#memory = memory;
  }

  /** @param timers as the store has them */
  load(timers: readonly StoredTimer[]): void {
    this.#armed = new Map(timers.map((timer) => [timer.name, timer]));
    for (const { data } of timers) this.#hold(data, 1);
  }

  /** Whether none is armed or due. */
  get isEmpty(): boolean {
    return this.#armed === undefined && !this.hasDue;
  }

  get hasDue(): boolean {
    return this.#due !== undefined && this.#due.length > 0;
  }

  /** Whether timers may have come due while the key was parked: they wait in the store until it is open. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Whether an outcome is armed. */
  get hasOutcome(): boolean {
    for (const name of this.#armed?.keys() ?? []) if (isOutcome(name)) return true;
    return false;
  }

  /** All that are armed, the soonest first. */
  get all(): readonly DueTimer[] {
    const timers = Array.from(this.#armed?.values() ?? [], (timer) => ({ ...timer, key: this.#key }));
    return timers.sort((one, other) => one.dueAt - other.dueAt);
  }

  /** The armed timer of that name. */
  armed(name: string): StoredTimer | undefined {
    return this.#armed?.get(name);
  }

  /** Returns the timer whose turn is next: it came due before the event was accepted, or has had its turn and failed. */
  next(event: NextEvent): DueTimer | undefined {
    const timer = this.#due?.[0];
    if (timer === undefined) return undefined;
    return event === undefined || event.acceptedAt > timer.dueAt || timer.attempts > 0 ? timer : undefined;
  }

  /**
   * Takes the timers that go before the event although nobody has asked the store for them yet: those that came due before it was
   * accepted, and one that has had its turn and failed, while nobody was there perhaps.
   */
  takeOverdue(event: NextEvent, clock: Pick<Clock, 'now'>): void {
    const ahead = this.#ahead ?? this.#armed;
    if (ahead === undefined || ahead.size === 0 || event === undefined) return;
    const now = clock.now();
    for (const timer of ahead.values()) {
      // The clock may have been set back since a timer failed, or an outcome came.
      const isDue = timer.dueAt <= now || isOutcome(timer.name);
      if (timer.attempts > 0 || (isDue && timer.dueAt < event.acceptedAt)) this.#take(timer);
    }
  }

  /** A timer has come due, and what was left and came due before it goes first. */
  comeDue(timer: StoredTimer): void {
    if (this.#hasLeft) for (const left of this.all) if (left.dueAt <= timer.dueAt) this.#take(left);
    this.#take(timer);
  }

  beginTurn(timer: DueTimer): void {
    this.#underWay = timer;
    const first = this.#due?.shift();
    if (first !== undefined) this.#dueNames?.delete(first.name);
    if (this.#dueNames?.size !== 0) return;
    this.#due = undefined;
    this.#dueNames = undefined;
  }

  endTurn(): void {
    this.#underWay = undefined;
  }

  /** The timer has failed and is first again: all else of the key waits for it. */
  retry(timer: StoredTimer): void {
    this.#due ??= [];
    this.#due.unshift({ ...timer, key: this.#key });
    this.#isDue(timer.name);
  }

  /** A timer was set, cancelled, or had its turn: one of that name that came due before must not fire. */
  write({ name, timer }: Pick<TimerWrite, 'name' | 'timer'>): void {
    if (this.#dueNames?.delete(name) === true) this.#due = this.#due?.filter((due) => due.name !== name);
    this.#hold(this.#armed?.get(name)?.data, -1);
    this.#hold(timer?.data, 1);
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

  /** Leaves those that are due to the store: the key is parked, and may be forgotten. */
  leave(): void {
    if (!this.hasDue) return;
    this.#due = undefined;
    this.#dueNames = undefined;
    this.#ahead = undefined;
    this.#hasLeft = true;
  }

  /** Timers have come due, or may have, while the key is parked. */
  leaveMore(): void {
    this.#hasLeft = true;
  }

  /** Hands out all, some of which may have come due while the key was parked. */
  takeLeft(): readonly DueTimer[] {
    this.#hasLeft = false;
    return this.all;
  }

  /** They are no longer in memory. */
  forget(): void {
    this.#memory.changeStates(-this.#bytes);
  }

  /** Takes a timer that has come due, once, to its place in the order in which they did. */
  #take(timer: StoredTimer): void {
    if (this.#underWay?.name === timer.name && this.#underWay.data === timer.data) return;
    if (this.#dueNames?.has(timer.name) === true) return;
    this.#due ??= [];
    const due = this.#due;
    let at = due.length;
    while (at > 0 && (due[at - 1] as DueTimer).dueAt > timer.dueAt && (due[at - 1] as DueTimer).attempts === 0) at -= 1;
    due.splice(at, 0, { ...timer, key: this.#key });
    this.#isDue(timer.name);
  }

  /** The timer of that name is due, and no longer ahead. */
  #isDue(name: string): void {
    this.#dueNames ??= new Set();
    this.#dueNames.add(name);
    if (this.#armed === undefined) return;
    this.#ahead ??= new Map(this.#armed);
    this.#ahead.delete(name);
  }

  /** @param sign 1 for a timer that comes, -1 for one that goes */
  #hold(data: string | null | undefined, sign: 1 | -1): void {
    if (data === null || data === undefined) return;
    this.#bytes += sign * bytesOfText(data);
    this.#memory.changeStates(sign * bytesOfText(data));
  }
}
