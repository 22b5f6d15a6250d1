import type { ResolvedOrder } from '../pipeline/pipeline.ts';
import type { KeyRecord } from '../store/store.ts';
import type { Waiting } from './cause.ts';
import type { LaneMemory } from './lane-memory.ts';
import { LaneRecord } from './lane-record.ts';

/** The counters of a key in memory: its events on their way and waiting, and its uses. */
export abstract class LaneCounts extends LaneRecord {
  #pending: number;
  /** Events up to this position have been counted. */
  #countedTo: number;
  #arriving = 0;
  #busySince = 0;
  /** Used since the last sweep of idle lanes. */
  #isWarm = true;

  constructor(key: string, order: ResolvedOrder | undefined, memory: LaneMemory, record: KeyRecord) {
    super(key, order, memory, record);
    this.#pending = record.held;
    this.#countedTo = record.heldTo ?? 0;
  }

  /** Accepted events that wait, as far as the log has delivered them or the store held them when the lane was loaded. */
  get pending(): number {
    return this.#pending;
  }

  /** Events admitted at the door but not dispatched yet. */
  get arriving(): number {
    return this.#arriving;
  }

  /** The lane's number among lanes that have become busy; 0 while it is not busy. */
  get busySince(): number {
    return this.#busySince;
  }

  /** Notes events admitted by the door. */
  admit(events = 1): void {
    this.#arriving += events;
  }

  /** Notes that an admitted event has been dispatched, or will not come. */
  endArrival(): void {
    if (this.#arriving > 0) this.#arriving -= 1;
  }

  /** Counts a waiting event that the log delivered. Returns false if it was counted before, when the lane was loaded. */
  countArrival({ position }: Pick<Waiting, 'position'>): boolean {
    if (position <= this.#countedTo) return false;
    this.#countedTo = position;
    this.#pending += 1;
    return true;
  }

  /** Counts a settled event as waiting once more. */
  countAgain({ position }: Pick<Waiting, 'position'>): void {
    if (position > this.#countedTo) this.#countedTo = position;
    this.#pending += 1;
  }

  /** Counts an event as no longer waiting. One read back before the log delivered it was never counted. */
  countSettled({ position }: Pick<Waiting, 'position'>): void {
    if (position <= this.#countedTo && this.#pending > 0) this.#pending -= 1;
  }

  /** Resets the number of waiting events to none. */
  countNonePending(): void {
    this.#pending = 0;
  }

  /** @param nth the lane's number among lanes that have become busy */
  becomeBusy(nth: number): void {
    this.#busySince = nth;
  }

  /** Marks it as no longer busy. */
  rest(): void {
    this.#busySince = 0;
  }

  /** Marks it as in use: the next sweep leaves it in memory. */
  warm(): void {
    this.#isWarm = true;
  }

  /** Handles a sweep. Returns whether it was in use since the last one. */
  cool(): boolean {
    const wasWarm = this.#isWarm;
    this.#isWarm = false;
    return wasWarm;
  }
}
