import type { Clock } from '../engine/clock.ts';
import { moment } from '../pipeline/expectations.ts';
import { Place } from '../pipeline/place.ts';

interface Alarm {
  /** In elapsed time. */
  readonly setAt: number;
  readonly at: number;
  /** In elapsed time. */
  readonly deadline: number;
  readonly ring: () => void;
}

/**
 * A clock that stands still until it is advanced. Alarms ring in order of their times, and those of the same time in the order they
 * were set. Advancing moves both the wall clock and elapsed time; `jump` moves the wall clock alone.
 */
export class VirtualClock implements Clock {
  #elapsedMs = 0;
  /** The wall clock's lead over elapsed time. */
  #leadMs: number;
  /** In ringing order. */
  #alarms: Alarm[] = [];
  readonly #listeners = new Set<() => void>();

  /** @param startAt milliseconds since 1970 */
  constructor(startAt: number) {
    moment(startAt, new Place('VirtualClock', 'MILL_INVALID_CONFIGURATION').at('startAt'));
    this.#leadMs = startAt;
  }

  now(): number {
    return this.#elapsedMs + this.#leadMs;
  }

  elapsedMs(): number {
    return this.#elapsedMs;
  }

  alarm(at: number, ring: () => void, withinMs = Number.POSITIVE_INFINITY): () => void {
    const alarm = { setAt: this.#elapsedMs, at, deadline: this.#elapsedMs + withinMs, ring };
    const before = this.#alarms.findIndex((other) => this.#momentOf(other) > this.#momentOf(alarm));
    this.#alarms.splice(before === -1 ? this.#alarms.length : before, 0, alarm);
    return () => {
      const present = this.#alarms.indexOf(alarm);
      if (present !== -1) this.#alarms.splice(present, 1);
    };
  }

  after(ms: number, ring: () => void): () => void {
    return this.alarm(Number.POSITIVE_INFINITY, ring, ms);
  }

  whenTurnedBack(turnedBack: () => void): () => void {
    this.#listeners.add(turnedBack);
    return () => this.#listeners.delete(turnedBack);
  }

  /** Advances to the next alarm at or before `until`, by the wall clock, and rings it; returns false, at `until`, if there is none. */
  turnToNextAlarm(until: number): boolean {
    const [next] = this.#alarms;
    const untilElapsedMs = until - this.#leadMs;
    if (next === undefined || this.#momentOf(next) > untilElapsedMs) {
      this.#elapsedMs = Math.max(this.#elapsedMs, untilElapsedMs);
      return false;
    }
    this.#alarms.shift();
    this.#elapsedMs = Math.max(this.#elapsedMs, this.#momentOf(next));
    next.ring();
    return true;
  }

  /**
   * Moves the wall clock while no time elapses: back, as when someone sets it; ahead, as when someone sets it or the machine sleeps. Alarms
   * whose time has passed ring at the next advance.
   *
   * @param byMs negative to set it back
   *
   */
  jump(byMs: number): void {
    this.#leadMs += byMs;
    this.#alarms = this.#alarms.toSorted((one, other) => this.#momentOf(one) - this.#momentOf(other));
    if (byMs < 0) for (const turnedBack of this.#listeners) turnedBack();
  }

  /** Returns when an alarm rings, in elapsed time. */
  #momentOf({ setAt, at, deadline }: Alarm): number {
    return Math.max(setAt, Math.min(at - this.#leadMs, deadline));
  }
}

/** Wraps a clock so that its alarms ring only while `isAlive` holds. For a process that dies in a test. */
export function clockWhile(clock: Clock, isAlive: () => boolean): Clock {
  const alive = (ring: () => void) => () => {
    if (isAlive()) ring();
  };
  return {
    now: () => clock.now(),
    elapsedMs: () => clock.elapsedMs(),
    alarm: (at, ring, withinMs) => clock.alarm(at, alive(ring), withinMs),
    after: (ms, ring) => clock.after(ms, alive(ring)),
    whenTurnedBack: (turnedBack) => clock.whenTurnedBack(alive(turnedBack)),
  };
}
