import type { CauseName, OutcomeWrite, StoredCause, TimerWrite } from '../store/store.ts';
import { nameInKey } from './cause.ts';
import type { Clock } from './clock.ts';
import type { LaneMemory } from './lane-memory.ts';
import { bytesOfText } from './memory.ts';

/** The next event in line for a turn. */
type NextEvent = { readonly acceptedAt: number } | undefined;

/**
 * The timers and outcomes of one key in memory. A pending one is
 *
 * - `ahead`: its moment has not come, as far as is known here;
 * - `due`: it has come due, and waits for its turn here;
 * - `under way`: it is having its turn. Another of its name may be written meanwhile, with its own status.
 *
 * | from | by | to |
 * |---|---|---|
 * | none | `load`, `write` | ahead |
 * | ahead | `comeDue`, `takeOverdue` | due |
 * | due | `beginTurn` | under way |
 * | under way | `retry` | due, before all others |
 * | any | `write` with a moment | ahead: the previous one must not fire |
 * | any | `write` without | none |
 * | due | `leave` | ahead, and left |
 *
 * A parked key leaves those that come due to the store. Once it is open again, all that may have come due meanwhile stay *left* until
 * `takeLeft` hands them out.
 */
export class KeyCauses {
  readonly #memory: LaneMemory;
  /** All pending ones, by name. */
  #pending: Map<string, StoredCause> | undefined;
  /** The causes still ahead, if these are not all. */
  #ahead: Map<string, StoredCause> | undefined;
  /** The due ones, in order of moments; one that has failed comes first. */
  #due: StoredCause[] | undefined;
  /** Their names. */
  #dueNames: Set<string> | undefined;
  #underWay: StoredCause | undefined;
  #hasLeft = false;
  /** Number of pending outcomes. */
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

  /** True if none is pending or due. */
  get isEmpty(): boolean {
    return this.#pending === undefined && !this.hasDue;
  }

  get hasDue(): boolean {
    return this.#due !== undefined && this.#due.length > 0;
  }

  /** True if some may have come due while the key was parked: they wait in the store until it is open. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** True if the key is still to be notified of an outcome. */
  get hasOutcome(): boolean {
    return this.#outcomes > 0;
  }

  /** All pending ones, soonest first. */
  get all(): readonly StoredCause[] {
    return Array.from(this.#pending?.values() ?? []).sort((one, other) => one.dueAt - other.dueAt);
  }

  /** Returns the one of that name, if it is pending. */
  of(name: CauseName): StoredCause | undefined {
    return this.#pending?.get(nameInKey(name));
  }

  /** Returns the next one in line: it came due before the event was accepted, or has failed a turn. */
  next(event: NextEvent): StoredCause | undefined {
    const cause = this.#due?.[0];
    if (cause === undefined) return undefined;
    return event === undefined || event.acceptedAt > cause.dueAt || cause.attempts > 0 ? cause : undefined;
  }

  /**
   * Takes those that precede the event even though the store was not asked for them yet: those that came due before it was accepted, and
   * one that failed a turn, possibly while no engine was running.
   */
  takeOverdue(event: NextEvent, clock: Pick<Clock, 'now'>): void {
    const ahead = this.#ahead ?? this.#pending;
    if (ahead === undefined || ahead.size === 0 || event === undefined) return;
    const now = clock.now();
    for (const cause of ahead.values()) {
      // The clock may have been set back since a turn failed or an outcome came.
      const isDue = cause.dueAt <= now || cause.kind === 'outcome';
      if (cause.attempts > 0 || (isDue && cause.dueAt < event.acceptedAt)) this.#take(cause);
    }
  }

  /** Takes one that has come due; anything left that came due earlier goes first. */
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

  /** Puts one whose turn has failed first again: the rest of the key waits for it. */
  retry(cause: StoredCause): void {
    this.#due ??= [];
    this.#due.unshift(cause);
    this.#isDue(nameInKey(cause));
  }

  /** Handles one that was written, removed, or had its turn: an earlier one of that name must not fire. */
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

  /** Leaves the due ones to the store: the key is parked, and may be forgotten. */
  leave(): void {
    if (!this.hasDue) return;
    this.#due = undefined;
    this.#dueNames = undefined;
    this.#ahead = undefined;
    this.#hasLeft = true;
  }

  /** Notes that some have come due, or may have, while the key is parked. */
  leaveMore(): void {
    this.#hasLeft = true;
  }

  /** Hands out all of them, since some may have come due while the key was parked. */
  takeLeft(): readonly StoredCause[] {
    this.#hasLeft = false;
    return this.all;
  }

  /** Notes that they are no longer in memory. */
  forget(): void {
    this.#memory.changeStates(-this.#bytes);
  }

  /** Inserts one that has come due, once, in due order. */
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

  /** Moves the one of that name from ahead to due. */
  #isDue(name: string): void {
    this.#dueNames ??= new Set();
    this.#dueNames.add(name);
    if (this.#pending === undefined) return;
    this.#ahead ??= new Map(this.#pending);
    this.#ahead.delete(name);
  }

  /** @param sign 1 for an added one, -1 for a removed one */
  #count(cause: StoredCause | undefined, sign: 1 | -1): void {
    if (cause === undefined) return;
    if (cause.kind === 'outcome') this.#outcomes += sign;
    if (cause.data === null) return;
    this.#bytes += sign * bytesOfText(cause.data);
    this.#memory.changeStates(sign * bytesOfText(cause.data));
  }
}
