import type { ResolvedOrder } from '../pipeline/pipeline.ts';
import type { CauseName, KeyRecord, OutcomeWrite, StoredCause, TimerWrite } from '../store/store.ts';
import type { Waiting } from './cause.ts';
import type { Clock } from './clock.ts';
import { KeyCauses } from './key-causes.ts';
import { LaneCounts } from './lane-counts.ts';
import type { LaneMemory } from './lane-memory.ts';

/**
 * The queue of a key: its events by order, those in memory before those only in the store, interleaved with its timers and outcomes, which
 * {@link KeyCauses} holds.
 */
export abstract class LaneQueue extends LaneCounts {
  /** Undefined before the first. */
  protected keyCauses: KeyCauses | undefined;
  /** Ascending by order. */
  #events: Waiting[] | undefined;
  #spilledFrom: number;

  constructor(key: string, order: ResolvedOrder | undefined, memory: LaneMemory, record: KeyRecord) {
    super(key, order, memory, record);
    this.#spilledFrom = record.heldFrom ?? Number.POSITIVE_INFINITY;
    if (record.timers.length + record.outcomes.length === 0) return;
    this.ownCauses.load(record.outcomes);
    this.ownCauses.load(record.timers);
  }

  /** From this order on, events may be only in the store; infinite if everything waiting is in memory. */
  get spilledFrom(): number {
    return this.#spilledFrom;
  }

  /** Number of events waiting in memory. */
  get queued(): number {
    return this.#events?.length ?? 0;
  }

  /** The first event in memory. */
  get head(): Waiting | undefined {
    return this.#events?.[0];
  }

  /** The lowest order that may wait; infinite if nothing does. */
  get first(): number {
    return Math.min(this.#spilledFrom, this.head?.order ?? Number.POSITIVE_INFINITY);
  }

  /** The next event in line: the first one, in a numbered lane only when its number has come. */
  get runnable(): Waiting | undefined {
    const head = this.head;
    return head !== undefined && (!this.numbered || head.order <= this.next) ? head : undefined;
  }

  /** True if the lane's next turn may be only in the store, so that it must be read back first. */
  get spillComesFirst(): boolean {
    if (this.#spilledFrom === Number.POSITIVE_INFINITY) return false;
    if (this.#spilledFrom >= (this.head?.order ?? Number.POSITIVE_INFINITY)) return false;
    return !this.numbered || this.#spilledFrom <= this.next;
  }

  /** Inserts an event in order; an existing one with that order stays. */
  insert(waiting: Waiting): boolean {
    const events = this.#events;
    if (events === undefined) {
      this.#events = [waiting];
      this.memory.addEvent(waiting);
      return true;
    }
    let at = events.length;
    while (at > 0 && (events[at - 1] as Waiting).order > waiting.order) at -= 1;
    if (at > 0 && events[at - 1]?.order === waiting.order) return false;
    if (at === events.length) events.push(waiting);
    else events.splice(at, 0, waiting);
    this.memory.addEvent(waiting);
    return true;
  }

  /** Returns whether the event with that order waits in memory. */
  has(order: number): boolean {
    return this.#events?.some((waiting) => waiting.order === order) ?? false;
  }

  takeHead(): Waiting | undefined {
    const head = this.#events?.shift();
    if (head !== undefined) this.memory.removeEvent(head);
    if (this.#events?.length === 0) this.#events = undefined;
    return head;
  }

  /** Notes that events from this order on may be only in the store. */
  spillFrom(order: number): void {
    if (order < this.#spilledFrom) this.#spilledFrom = order;
  }

  /** Forgets everything waiting in memory, since the store holds it, and returns it. */
  spill(): readonly Waiting[] {
    const spilled = this.#events ?? [];
    this.#events = undefined;
    for (const waiting of spilled) this.memory.removeEvent(waiting);
    if (spilled[0] !== undefined) this.spillFrom(spilled[0].order);
    return spilled;
  }

  /** The timer or outcome in line before any event. */
  get dueCause(): StoredCause | undefined {
    return this.keyCauses?.next(this.runnable);
  }

  /** True if a due timer or outcome waits for its turn. */
  get hasDueCause(): boolean {
    return this.keyCauses?.hasDue === true;
  }

  /** True if its timers or outcomes may have come due while it was parked: they wait in the store until it is open. */
  get hasLeft(): boolean {
    return this.keyCauses?.hasLeft === true;
  }

  /** All pending timers and outcomes, soonest first, whether or not they are waiting for their turn already. */
  get causes(): readonly StoredCause[] {
    return this.keyCauses?.all ?? [];
  }

  /** Returns the timer or outcome of that name, if it is pending. */
  causeOf(name: CauseName): StoredCause | undefined {
    return this.keyCauses?.of(name);
  }

  /** Returns whether another of its name was written during its turn: an outcome may arrive during the previous one's turn. */
  isReplaced(cause: StoredCause): boolean {
    const pending = this.causeOf(cause);
    return pending !== undefined && pending.data !== cause.data;
  }

  /** Takes whatever precedes the next event even though the store was not asked for it yet; see {@link KeyCauses.takeOverdue}. */
  takeOverdue(clock: Pick<Clock, 'now'>): void {
    this.keyCauses?.takeOverdue(this.runnable, clock);
  }

  /** Puts a timer or outcome whose turn failed first again: the rest of the key waits for it. */
  retryCause(cause: StoredCause): void {
    this.ownCauses.retry(cause);
  }

  /** Handles a timer or outcome that was written, removed, or had its turn: an earlier one of that name must not fire. */
  writeCause(write: TimerWrite | OutcomeWrite): void {
    this.ownCauses.write(write);
  }

  override forget(): void {
    for (const waiting of this.#events ?? []) this.memory.removeEvent(waiting);
    this.keyCauses?.forget();
    super.forget();
  }

  /** Notes that everything only in the store is about to be read. */
  protected spillNone(): void {
    this.#spilledFrom = Number.POSITIVE_INFINITY;
  }

  protected get ownCauses(): KeyCauses {
    this.keyCauses ??= new KeyCauses(this.memory);
    return this.keyCauses;
  }
}
