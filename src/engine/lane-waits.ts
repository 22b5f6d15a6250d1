import type { ResolvedOrder } from '../pipeline/pipeline.ts';
import type { Gap, KeyRecord } from '../store/store.ts';
import type { LaneMemory } from './lane-memory.ts';
import { LaneQueue } from './lane-queue.ts';
import type { Wait } from './waits.ts';

/** What a key waits for: a number that is missing, or a moment. */
export abstract class LaneWaits extends LaneQueue {
  #gap: Gap | undefined;
  /** Whether the store may have a note of a gap. */
  #isGapNoted: boolean;
  /** Whether the gap is still to be noted as it stands. */
  #isGapYoung = false;
  /** Calls off the alarm that the lane waits for. */
  #disarm: (() => void) | undefined;
  /** The moment that the lane waits for, or has waited for long enough. */
  #awaited: number | undefined;
  #wait: Wait | undefined;

  constructor(key: string, order: ResolvedOrder | undefined, memory: LaneMemory, record: KeyRecord) {
    super(key, order, memory, record);
    this.#gap = record.gap ?? undefined;
    this.#isGapNoted = record.gap !== null;
  }

  /** What it waits for while a number is missing, once it was looked at. */
  get gap(): Gap | undefined {
    return this.#gap;
  }

  /** Whether the gap is still to be noted as it stands: it is in memory only. */
  get isGapYoung(): boolean {
    return this.#isGapYoung;
  }

  /** Since when it waits, and for what; undefined while it goes on. */
  get wait(): Wait | undefined {
    return this.#wait;
  }

  /** It waits, for what the wait says. */
  beginWait(wait: Wait): void {
    this.#wait = wait;
  }

  /** It goes on. */
  endWait(): void {
    this.#wait = undefined;
  }

  /** A number is missing before the first event that waits. @param since when that began */
  beginGap(first: number, since: number): Gap {
    if (!this.numbered) throw this.unexpected('it to have numbers, found a gap without');
    this.#gap = { next: this.next, first, since };
    this.#isGapYoung = true;
    return this.#gap;
  }

  /** The gap has lasted, and is noted in the store as it stands. */
  noteGap(): Gap {
    if (this.#gap === undefined) throw this.unexpected('a gap to be noted, found none');
    this.#isGapYoung = false;
    this.#isGapNoted = true;
    return this.#gap;
  }

  /** The clock was set back: the gap counts from that moment, and the store has to know. */
  turnGapBack(now: number): Gap {
    if (this.#gap === undefined) throw this.unexpected('a gap that counts from a later moment, found none');
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
}
