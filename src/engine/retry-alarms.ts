import type { Clock } from './clock.ts';
import type { Lane } from './lane.ts';

export interface RetryAlarmsMeans {
  readonly clock: Clock;
  /** The longest pause before a retry, in milliseconds. */
  readonly pauseMsMax: number;
  /** Notes that a lane's moment has come. */
  rang(lane: Lane): void;
}

/** The alarms of blocked lanes. A lane waits for at most one moment. */
export class RetryAlarms {
  readonly #means: RetryAlarmsMeans;
  #armed = 0;

  constructor(means: RetryAlarmsMeans) {
    this.#means = means;
  }

  /** Number of lanes waiting for a moment. */
  get armed(): number {
    return this.#armed;
  }

  /** Rings for the lane at a moment. One farther ahead than any pause was stored under a clock that has been set back since. */
  arm(lane: Lane, at: number): void {
    if (lane.isArmedFor(at)) return;
    this.disarm(lane);
    const { clock, pauseMsMax, rang } = this.#means;
    const ring = () => {
      lane.alarmRang();
      this.#armed -= 1;
      rang(lane);
    };
    lane.arm(at, clock.alarm(at, ring, Math.min(at - clock.now(), pauseMsMax)));
    this.#armed += 1;
  }

  disarm(lane: Lane): void {
    if (lane.isArmed) this.#armed -= 1;
    lane.disarm();
  }

  /** Returns whether a moment has come, or the lane has waited for it long enough. */
  hasCome(lane: Lane, at: number): boolean {
    return at <= this.#means.clock.now() || lane.hasAwaited(at);
  }
}
