import type { ResolvedOrder } from '../pipeline/pipeline.ts';
import type { KeyRecord } from '../store/store.ts';
import type { Waiting } from './cause.ts';
import type { LaneMemory } from './lane-memory.ts';
import { LaneRecord } from './lane-record.ts';

/** What is counted of a key in memory: the events that are on their way to it and those that wait, and its uses. */
export abstract class LaneCounts extends LaneRecord {
  #pending: number;
  /** Events up to this position were counted. */
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

  /** Accepted events that wait, as far as the log has come to them or the store held them when the lane was loaded. */
  get pending(): number {
    return this.#pending;
  }

  /** Events that were admitted at the door, and have not been dispatched. */
  get arriving(): number {
    return this.#arriving;
  }

  /** Which of the lanes that have become busy it is, while it is busy; 0 while it is not. */
  get busySince(): number {
    return this.#busySince;
  }

  /** The door has let events in. */
  admit(events = 1): void {
    this.#arriving += events;
  }

  /** An event that the door let in has been dispatched, or will not come. */
  endArrival(): void {
    if (this.#arriving > 0) this.#arriving -= 1;
  }

  /** The log has come to an event, which waits. Returns whether it was not counted before: when the lane was loaded. */
  countArrival({ position }: Pick<Waiting, 'position'>): boolean {
    if (position <= this.#countedTo) return false;
    this.#countedTo = position;
    this.#pending += 1;
    return true;
  }

  /** An event that was settled waits once more. */
  countAgain({ position }: Pick<Waiting, 'position'>): void {
    if (position > this.#countedTo) this.#countedTo = position;
    this.#pending += 1;
  }

  /** An event waits no more. One that was read back before the log came to it was never counted. */
  countSettled({ position }: Pick<Waiting, 'position'>): void {
    if (position <= this.#countedTo && this.#pending > 0) this.#pending -= 1;
  }

  /** No event waits, whatever was counted. */
  countNonePending(): void {
    this.#pending = 0;
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
}
