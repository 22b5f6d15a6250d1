/**
 * The engine's only way to read time and to wait, so that tests can control it.
 *
 * There are two times. The wall clock tells the moment; it may jump when somebody sets it or the machine has slept. Elapsed time never goes
 * back and has no date; it stands still while the machine sleeps. Time-outs, pauses and rates use elapsed time. A moment that must survive
 * a restart (a timer, a retry, the next run of a schedule) uses the wall clock.
 */
export interface Clock {
  /** Milliseconds since 1970, by the wall clock. */
  now(): number;
  /** Milliseconds, with fractions, since some moment; never goes back. */
  elapsedMs(): number;
  /**
   * Calls `ring` once the wall clock has reached `at`, or once `withinMs` have elapsed, whichever comes first; soon if either already has.
   * Notices a jump of the wall clock within about a second. The returned function cancels the alarm.
   */
  alarm(at: number, ring: () => void, withinMs?: number): () => void;
  /** Calls `ring` once `ms` have elapsed, whatever the wall clock does. The returned function cancels the alarm. */
  after(ms: number, ring: () => void): () => void;
  /** Calls `turnedBack` whenever the wall clock was set back while an alarm is armed. The returned function unsubscribes. */
  whenTurnedBack(turnedBack: () => void): () => void;
}

/** The machine functions that a `SystemClock` uses. */
export interface Machine {
  now(): number;
  elapsedMs(): number;
  /** Calls `ring` after `ms` of elapsed time, at most `waitMsMax`. The returned function cancels it. */
  wait(ms: number, ring: () => void): () => void;
}

/** The longest wait of a Node.js timer. */
const waitMsMax = 2 ** 31 - 1;
/** Interval between comparisons of the wall clock with elapsed time while an alarm waits. In milliseconds. */
const checkMs = 1_000;
/** A difference too small to be a jump: the clocks are read one after the other, and the wall clock counts whole milliseconds. */
const toleranceMs = 50;

interface Alarm {
  readonly at: number;
  /** In elapsed time. */
  readonly deadline: number;
  readonly ring: () => void;
  cancelWait: () => void;
}

/**
 * The machine's clock. A Node.js timer counts elapsed time, so it misses a jump of the wall clock. So while any alarm is armed, a check
 * each second compares both clocks and, after a jump ahead, re-arms every alarm; after a jump back, an alarm finds that its wait ended too
 * early. An idle clock costs nothing.
 */
export class SystemClock implements Clock {
  readonly #machine: Machine;
  /** The alarms waiting for a moment of the wall clock. */
  readonly #alarms = new Set<Alarm>();
  readonly #listeners = new Set<() => void>();
  /** The wall clock's lead over elapsed time when the alarms were armed. */
  #leadMs = 0;
  #isChecking = false;

  constructor(machine: Machine = thisMachine) {
    this.#machine = machine;
  }

  now(): number {
    return this.#machine.now();
  }

  elapsedMs(): number {
    return this.#machine.elapsedMs();
  }

  alarm(at: number, ring: () => void, withinMs = Number.POSITIVE_INFINITY): () => void {
    const alarm = this.#newAlarm(at, ring, withinMs);
    this.#alarms.add(alarm);
    this.#startChecks();
    this.#arm(alarm);
    return () => this.#callOff(alarm);
  }

  after(ms: number, ring: () => void): () => void {
    const alarm = this.#newAlarm(Number.POSITIVE_INFINITY, ring, ms);
    this.#arm(alarm);
    return () => this.#callOff(alarm);
  }

  whenTurnedBack(turnedBack: () => void): () => void {
    this.#listeners.add(turnedBack);
    return () => this.#listeners.delete(turnedBack);
  }

  #newAlarm(at: number, ring: () => void, withinMs: number): Alarm {
    return { at, deadline: this.elapsedMs() + withinMs, ring, cancelWait: () => undefined };
  }

  #arm(alarm: Alarm): void {
    const leftMs = Math.min(alarm.at - this.now(), alarm.deadline - this.elapsedMs());
    alarm.cancelWait = this.#machine.wait(Math.min(Math.max(0, Math.ceil(leftMs)), waitMsMax), () => this.#ring(alarm));
  }

  /** A wait may end early: it reached the longest possible wait, or the wall clock was set back. */
  #ring(alarm: Alarm): void {
    if (alarm.at > this.now() && alarm.deadline > this.elapsedMs()) {
      this.#arm(alarm);
      return;
    }
    this.#callOff(alarm);
    alarm.ring();
  }

  #callOff(alarm: Alarm): void {
    alarm.cancelWait();
    this.#alarms.delete(alarm);
  }

  #startChecks(): void {
    if (this.#isChecking) return;
    this.#isChecking = true;
    this.#leadMs = this.now() - this.elapsedMs();
    this.#checkSoon();
  }

  #checkSoon(): void {
    this.#machine.wait(checkMs, () => {
      this.#check();
      // Checking stops only after a check without alarms: another one may be set at once.
      if (this.#alarms.size > 0) this.#checkSoon();
      else this.#isChecking = false;
    });
  }

  #check(): void {
    const jumpMs = this.now() - this.elapsedMs() - this.#leadMs;
    if (Math.abs(jumpMs) <= toleranceMs) return;
    this.#leadMs += jumpMs;
    if (jumpMs < 0) {
      for (const turnedBack of this.#listeners) turnedBack();
      return;
    }
    for (const alarm of this.#alarms) {
      alarm.cancelWait();
      this.#arm(alarm);
    }
  }
}

/** Reads the globals at each call, since a program may replace them. Its waits keep no process alive. */
const thisMachine: Machine = {
  now: () => Date.now(),
  elapsedMs: () => performance.now(),
  wait(ms, ring) {
    const timeout = setTimeout(ring, ms).unref();
    return () => clearTimeout(timeout);
  },
};

/** The machine's clock. Its alarms keep no process alive. */
export const systemClock: Clock = new SystemClock();
