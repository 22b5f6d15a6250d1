import type { Clock } from '../engine/clock.ts';

interface Alarm {
  readonly at: number;
  readonly ring: () => void;
}

/** A clock that stands still until it is turned. Alarms ring in the order of their moments, those of one moment as they were set. */
export class VirtualClock implements Clock {
  #now: number;
  readonly #alarms: Alarm[] = [];

  /** @param startAt milliseconds since 1970 */
  constructor(startAt: number) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  elapsedMs(): number {
    return this.#now;
  }

  alarm(at: number, ring: () => void): () => void {
    const alarm = { at: Math.max(at, this.#now), ring };
    const before = this.#alarms.findIndex((other) => other.at > alarm.at);
    this.#alarms.splice(before === -1 ? this.#alarms.length : before, 0, alarm);
    return () => {
      const present = this.#alarms.indexOf(alarm);
      if (present !== -1) this.#alarms.splice(present, 1);
    };
  }

  /** Turns to the next alarm at or before `until` and rings it; false, and at `until`, when there is none. */
  turnToNextAlarm(until: number): boolean {
    const [next] = this.#alarms;
    if (next === undefined || next.at > until) {
      this.#now = Math.max(this.#now, until);
      return false;
    }
    this.#alarms.shift();
    this.#now = next.at;
    next.ring();
    return true;
  }
}
