import { type Clock, systemClock } from '../src/engine/clock.ts';
import { freshnessMs } from '../src/engine/key-reader.ts';

/** Longest wait of a read by {@link patientClock} for events accepted before it, in milliseconds. */
const patienceMs = 10_000;

/**
 * The machine's clock, with a read's wait for earlier events extended forty times. On a busy machine a commit may take longer
 * than readers wait.
 */
export const patientClock: Clock = {
  now: () => systemClock.now(),
  elapsedMs: () => systemClock.elapsedMs(),
  alarm: (at, ring, withinMs) => systemClock.alarm(at, ring, withinMs),
  after: (ms, ring) => systemClock.after(ms === freshnessMs ? patienceMs : ms, ring),
  whenTurnedBack: (turnedBack) => systemClock.whenTurnedBack(turnedBack),
};
