import type { ResolvedOrder } from '../pipeline/pipeline.ts';
import type { CauseName, KeyRecord, OutcomeWrite, StoredCause, TimerWrite } from '../store/store.ts';
import type { Waiting } from './cause.ts';
import type { Clock } from './clock.ts';
import { KeyCauses } from './key-causes.ts';
import { LaneCounts } from './lane-counts.ts';
import type { LaneMemory } from './lane-memory.ts';

/**
 * What waits for its turn in a key, and in which order: its events by their orders, those in memory before those that are in the store
 * only, and among them its timers and outcomes, which {@link KeyCauses} has.
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

  /** Orders from this one on may be in the store only; infinite when all that waits is in memory. */
  get spilledFrom(): number {
    return this.#spilledFrom;
  }

  /** Events in memory that wait. */
  get queued(): number {
    return this.#events?.length ?? 0;
  }

  /** The first event in memory. */
  get head(): Waiting | undefined {
    return this.#events?.[0];
  }

  /** The lowest order that may wait; infinite when nothing does. */
  get first(): number {
    return Math.min(this.#spilledFrom, this.head?.order ?? Number.POSITIVE_INFINITY);
  }

  /** The event whose turn is next: the first one, in a numbered lane only when its number has come. */
  get runnable(): Waiting | undefined {
    const head = this.head;
    return head !== undefined && (!this.numbered || head.order <= this.next) ? head : undefined;
  }

  /** Whether the lane's next turn may be in the store only, so that it must be read back first. */
  get spillComesFirst(): boolean {
    if (this.#spilledFrom === Number.POSITIVE_INFINITY) return false;
    if (this.#spilledFrom >= (this.head?.order ?? Number.POSITIVE_INFINITY)) return false;
    return !this.numbered || this.#spilledFrom <= this.next;
  }

  /** Puts an event in its place; an order that is there already stays as it is. */
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

  takeHead(): Waiting | undefined {
    const head = this.#events?.shift();
    if (head !== undefined) this.memory.removeEvent(head);
    if (this.#events?.length === 0) this.#events = undefined;
    return head;
  }

  /** Orders from this one on may be in the store only. */
  spillFrom(order: number): void {
    if (order < this.#spilledFrom) this.#spilledFrom = order;
  }

  /** Forgets all that waits in memory, since the store holds it, and answers what that was. */
  spill(): readonly Waiting[] {
    const spilled = this.#events ?? [];
    this.#events = undefined;
    for (const waiting of spilled) this.memory.removeEvent(waiting);
    if (spilled[0] !== undefined) this.spillFrom(spilled[0].order);
    return spilled;
  }

  /** The timer or outcome whose turn is next, before that of any event. */
  get dueCause(): StoredCause | undefined {
    return this.keyCauses?.next(this.runnable);
  }

  /** Whether a timer or outcome that has come due waits for its turn. */
  get hasDueCause(): boolean {
    return this.keyCauses?.hasDue === true;
  }

  /** Whether timers or outcomes of it may have come due while it was parked: they wait in the store until it is open. */
  get hasLeft(): boolean {
    return this.keyCauses?.hasLeft === true;
  }

  /** All timers and outcomes that are pending, the soonest first, whether they wait for their turn already or not. */
  get causes(): readonly StoredCause[] {
    return this.keyCauses?.all ?? [];
  }

  /** The timer or outcome of that name, if it is pending. */
  causeOf(name: CauseName): StoredCause | undefined {
    return this.keyCauses?.of(name);
  }

  /** Whether another of its name was written while it had its turn: an outcome may come during the turn of the one before. */
  isReplaced(cause: StoredCause): boolean {
    const pending = this.causeOf(cause);
    return pending !== undefined && pending.data !== cause.data;
  }

  /** Takes what goes before the next event although nobody has asked the store for it yet; see {@link KeyCauses.takeOverdue}. */
  takeOverdue(clock: Pick<Clock, 'now'>): void {
    this.keyCauses?.takeOverdue(this.runnable, clock);
  }

  /** The turn of a timer or outcome has failed and it is first again: all else of the key waits for it. */
  retryCause(cause: StoredCause): void {
    this.ownCauses.retry(cause);
  }

  /** A timer or outcome was written, removed, or had its turn: one of that name that came due before must not fire. */
  writeCause(write: TimerWrite | OutcomeWrite): void {
    this.ownCauses.write(write);
  }

  override forget(): void {
    for (const waiting of this.#events ?? []) this.memory.removeEvent(waiting);
    this.keyCauses?.forget();
    super.forget();
  }

  /** All that is in the store only is about to be read. */
  protected spillNone(): void {
    this.#spilledFrom = Number.POSITIVE_INFINITY;
  }

  protected get ownCauses(): KeyCauses {
    this.keyCauses ??= new KeyCauses(this.memory);
    return this.keyCauses;
  }
}
