import type { ResolvedOrder } from '../pipeline/pipeline.ts';
import type { Gap, KeyRecord } from '../store/store.ts';
import type { LaneMemory } from './lane-memory.ts';
import { LaneQueue } from './lane-queue.ts';
import type { Wait } from './waits.ts';

/** The waits of a key: for a missing number, or for a moment. */
export abstract class LaneWaits extends LaneQueue {
  #gap: Gap | undefined;
  /** True if the store may have a note of a gap. */
  #isGapNoted: boolean;
  /** True if the gap is still to be noted in its current form. */
  #isGapYoung = false;
  /** Cancels the alarm that the lane waits for. */
  #disarm: (() => void) | undefined;
  /** The moment that the lane waits for, or has waited for long enough. */
  #awaited: number | undefined;
  #wait: Wait | undefined;

  constructor(key: string, order: ResolvedOrder | undefined, memory: LaneMemory, record: KeyRecord) {
    super(key, order, memory, record);
    this.#gap = record.gap ?? undefined;
    this.#isGapNoted = record.gap !== null;
  }

  /** The gap it waits on while a number is missing, once examined. */
  get gap(): Gap | undefined {
    return this.#gap;
  }

  /** True if the gap is still to be noted in its current form: it is only in memory. */
  get isGapYoung(): boolean {
    return this.#isGapYoung;
  }

  /** The start and reason of its wait; undefined while it proceeds. */
  get wait(): Wait | undefined {
    return this.#wait;
  }

  /** Begins a wait. */
  beginWait(wait: Wait): void {
    this.#wait = wait;
  }

  /** Ends the wait. */
  endWait(): void {
    this.#wait = undefined;
  }

  /** Begins a gap: a number is missing before the first waiting event. @param since when that began */
  beginGap(first: number, since: number): Gap {
    if (!this.numbered) throw this.unexpected('it to have numbers, found a gap without');
    this.#gap = { next: this.next, first, since };
    this.#isGapYoung = true;
    return this.#gap;
  }

  /** Notes that the gap has lasted, and is in the store in its current form. */
  noteGap(): Gap {
    if (this.#gap === undefined) throw this.unexpected('a gap to be noted, found none');
    this.#isGapYoung = false;
    this.#isGapNoted = true;
    return this.#gap;
  }

  /** Handles a clock set back: the gap counts from that moment, and the store has to know. */
  turnGapBack(now: number): Gap {
    if (this.#gap === undefined) throw this.unexpected('a gap that counts from a later moment, found none');
    this.#gap = { ...this.#gap, since: Math.min(this.#gap.since, now) };
    this.#isGapNoted = true;
    return this.#gap;
  }

  /** Ends the gap: the number arrived, or is no longer awaited. Returns whether the store may have a note of it, which must go. */
  endGap(): boolean {
    const wasNoted = this.#isGapNoted;
    this.#gap = undefined;
    this.#isGapYoung = false;
    this.#isGapNoted = false;
    return wasNoted;
  }

  /** True if an alarm will ring for it. */
  get isArmed(): boolean {
    return this.#disarm !== undefined;
  }

  /** Returns whether its alarm will ring at that moment. */
  isArmedFor(at: number): boolean {
    return this.#disarm !== undefined && this.#awaited === at;
  }

  /** Returns whether its alarm has rung for that moment, whatever the clock says. */
  hasAwaited(at: number): boolean {
    return this.#disarm === undefined && this.#awaited === at;
  }

  /** Sets an alarm for it, replacing the previous one. */
  arm(at: number, disarm: () => void): void {
    this.disarm();
    this.#awaited = at;
    this.#disarm = disarm;
  }

  /** Notes that its alarm has rung: it has waited long enough for the moment. */
  alarmRang(): void {
    this.#disarm = undefined;
  }

  /** Cancels its alarm, if there is one. */
  disarm(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    this.#awaited = undefined;
  }
}
