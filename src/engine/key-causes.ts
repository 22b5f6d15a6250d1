import type { CauseName, OutcomeWrite, StoredCause, TimerWrite } from '../store/store.ts';
import { nameInKey } from './cause.ts';
import type { Clock } from './clock.ts';
import type { LaneMemory } from './lane-memory.ts';
import { bytesOfText } from './memory.ts';

/** The event whose turn would be next. */
type NextEvent = { readonly acceptedAt: number } | undefined;

/**
 * The timers and outcomes of one key in memory. One that is pending is
 *
 * - `ahead`: its moment has not come, as far as anybody has said;
 * - `due`: it has come due, and waits for its turn here;
 * - `under way`: it has its turn. Another of its name may be written meanwhile, which is ahead or due by itself.
 *
 * | from | by | to |
 * |---|---|---|
 * | none | `load`, `write` | ahead |
 * | ahead | `comeDue`, `takeOverdue` | due |
 * | due | `beginTurn` | under way |
 * | under way | `retry` | due, before all others |
 * | any | `write` with a moment | ahead: the one of before must not fire |
 * | any | `write` without | none |
 * | due | `leave` | ahead, and left |
 *
 * A parked key leaves those that come due to the store. Once it is open again, all that may have come due since are still *left*,
 * until `takeLeft` hands them out to whoever looks for them.
 */
export class KeyCauses {
  readonly #memory: LaneMemory;
  /** All that are pending, by name. */
  #pending: Map<string, StoredCause> | undefined;
  /** Those that are ahead, once these are not all. */
  #ahead: Map<string, StoredCause> | undefined;
  /** Those that are due, in the order of their moments; one that has failed is first. */
  #due: StoredCause[] | undefined;
  /** The names of these. */
  #dueNames: Set<string> | undefined;
  #underWay: StoredCause | undefined;
  #hasLeft = false;
  /** Outcomes that are pending. */
  #outcomes = 0;
  /** Bytes of their data. */
  #bytes = 0;

  constructor(memory: LaneMemory) {
    this.#memory = memory;
  }

  /** @param causes as the store has them */
  load(causes: Iterable<StoredCause>): void {
    for (const cause of causes) this.write(cause);
  }

  /** Whether none is pending or due. */
  get isEmpty(): boolean {
    return this.#pending === undefined && !this.hasDue;
  }

  get hasDue(): boolean {
    return this.#due !== undefined && this.#due.length > 0;
  }

  /** Whether some may have come due while the key was parked: they wait in the store until it is open. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Whether the key is still to be told an outcome. */
  get hasOutcome(): boolean {
    return this.#outcomes > 0;
  }

  /** All that are pending, the soonest first. */
  get all(): readonly StoredCause[] {
    return Array.from(this.#pending?.values() ?? []).sort((one, other) => one.dueAt - other.dueAt);
  }

  /** The one of that name, if it is pending. */
  of(name: CauseName): StoredCause | undefined {
    return this.#pending?.get(nameInKey(name));
  }

  /** Returns the one whose turn is next: it came due before the event was accepted, or has had its turn and failed. */
  next(event: NextEvent): StoredCause | undefined {
    const cause = this.#due?.[0];
    if (cause === undefined) return undefined;
    return event === undefined || event.acceptedAt > cause.dueAt || cause.attempts > 0 ? cause : undefined;
  }

  /**
   * Takes those that go before the event although nobody has asked the store for them yet: those that came due before it was
   * accepted, and one that has had its turn and failed, while nobody was there perhaps.
   */
  takeOverdue(event: NextEvent, clock: Pick<Clock, 'now'>): void {
    const ahead = this.#ahead ?? this.#pending;
    if (ahead === undefined || ahead.size === 0 || event === undefined) return;
    const now = clock.now();
    for (const cause of ahead.values()) {
      // The clock may have been set back since a turn failed, or an outcome came.
      const isDue = cause.dueAt <= now || cause.kind === 'outcome';
      if (cause.attempts > 0 || (isDue && cause.dueAt < event.acceptedAt)) this.#take(cause);
    }
  }

  /** One has come due, and what was left and came due before it goes first. */
  comeDue(cause: StoredCause): void {
    if (this.#hasLeft) for (const left of this.all) if (left.dueAt <= cause.dueAt) this.#take(left);
    this.#take(cause);
  }

  beginTurn(cause: StoredCause): void {
    this.#underWay = cause;
    const first = this.#due?.shift();
    if (first !== undefined) this.#dueNames?.delete(nameInKey(first));
    if (this.#dueNames?.size !== 0) return;
    this.#due = undefined;
    this.#dueNames = undefined;
  }

  endTurn(): void {
    this.#underWay = undefined;
  }

  /** Its turn has failed and it is first again: all else of the key waits for it. */
  retry(cause: StoredCause): void {
    this.#due ??= [];
    this.#due.unshift(cause);
    this.#isDue(nameInKey(cause));
  }

  /** It was written, removed, or had its turn: one of that name that came due before must not fire. */
  write(write: TimerWrite | OutcomeWrite): void {
    const name = nameInKey(write);
    if (this.#dueNames?.delete(name) === true) this.#due = this.#due?.filter((due) => nameInKey(due) !== name);
    this.#count(this.#pending?.get(name), -1);
    if (write.dueAt === null) {
      this.#pending?.delete(name);
      this.#ahead?.delete(name);
    } else {
      this.#count(write, 1);
      this.#pending ??= new Map();
      this.#pending.set(name, write);
      this.#ahead?.set(name, write);
    }
    if (this.#pending?.size === 0) {
      this.#pending = undefined;
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

  /** Some have come due, or may have, while the key is parked. */
  leaveMore(): void {
    this.#hasLeft = true;
  }

  /** Hands out all, some of which may have come due while the key was parked. */
  takeLeft(): readonly StoredCause[] {
    this.#hasLeft = false;
    return this.all;
  }

  /** They are no longer in memory. */
  forget(): void {
    this.#memory.changeStates(-this.#bytes);
  }

  /** Takes one that has come due, once, to its place in the order in which they did. */
  #take(cause: StoredCause): void {
    const name = nameInKey(cause);
    if (this.#underWay !== undefined && nameInKey(this.#underWay) === name && this.#underWay.data === cause.data) return;
    if (this.#dueNames?.has(name) === true) return;
    this.#due ??= [];
    const due = this.#due;
    let at = due.length;
    while (at > 0 && (due[at - 1] as StoredCause).dueAt > cause.dueAt && (due[at - 1] as StoredCause).attempts === 0) at -= 1;
    due.splice(at, 0, cause);
    this.#isDue(name);
  }

  /** The one of that name is due, and no longer ahead. */
  #isDue(name: string): void {
    this.#dueNames ??= new Set();
    this.#dueNames.add(name);
    if (this.#pending === undefined) return;
    this.#ahead ??= new Map(this.#pending);
    this.#ahead.delete(name);
  }

  /** @param sign 1 for one that comes, -1 for one that goes */
  #count(cause: StoredCause | undefined, sign: 1 | -1): void {
    if (cause === undefined) return;
    if (cause.kind === 'outcome') this.#outcomes += sign;
    if (cause.data === null) return;
    this.#bytes += sign * bytesOfText(cause.data);
    this.#memory.changeStates(sign * bytesOfText(cause.data));
  }
}
