import { Cron, type CronOptions } from 'croner';
import { MillraceError, messageOf } from '../errors.ts';
import { invalid } from './check.ts';

/**
 * Parses a cron pattern of five fields, or six with seconds in front, and returns a function that finds the first run after a moment, both
 * in milliseconds since 1970. `docs/schedules.md` explains what a pattern means on nights when the clocks change. Throws
 * `MILL_INVALID_DECLARATION` for anything that is not a pattern, for a date, and for a pattern that never runs.
 */
export function parseCron(cron: string, timezone: string | undefined, what: string): (moment: number) => number {
  const pattern = read(cron, timezone, what);
  if (pattern === undefined) invalid(`${what}.cron: expected a recurring pattern, such as 0 3 * * *, found the date ${cron}`);
  if (pattern.nextRun() === null)
    invalid(`${what}.cron: expected a pattern that runs at some time, such as 0 3 * * *, found ${cron}, which never runs`);
  return (moment) => {
    const next = pattern.nextRun(new Date(moment));
    // A pattern names no year, so one that runs once runs again.
    if (next === null) throw new MillraceError('MILL_INTERNAL', `${what}.cron: expected a run of ${cron} after ${moment}, found none`);
    return next.getTime();
  };
}

/** A pattern with a year would run out of runs one day, and a declaration must not become invalid by itself. */
const mode = '5-or-6-parts';

/** Returns undefined for a date, which Croner accepts too. */
function read(cron: string, timezone: string | undefined, what: string): Cron | undefined {
  try {
    const declared = new Cron(cron, { paused: true, mode });
    if (declared.getOnce() !== null) return undefined;
    const options: CronOptions = { paused: true, mode, fixedTimeRule: 'no-wildcard', ...(timezone !== undefined && { timezone }) };
    const pattern = new Cron(spellOut(declared.getPattern() ?? ''), options);
    // Croner notices an unknown time zone only when it computes the first moment.
    pattern.nextRun();
    return pattern;
  } catch (error) {
    return invalid(`${what}.cron: expected a cron pattern, such as 0 3 * * *, found ${JSON.stringify(cron)}: ${messageOf(error)}`);
  }
}

/**
 * Returns the pattern with its times of day as lists. A pattern of some hours names times of day, each occurring once a day; Croner treats
 * it so only if it has neither wildcard nor step. A pattern of every hour follows elapsed time; for Croner it must have a wildcard.
 */
function spellOut(pattern: string): string {
  const fields = pattern.trim().split(/\s+/);
  const [second = '0', minute = '0', hour = '*', ...days] = fields.length === 6 ? fields : ['0', ...fields];
  const hours = valuesOf(24, `0 0 ${hour} * * *`, 3_600_000);
  if (hours.length === 24) return [second, minute, '*', ...days].join(' ');
  const minutes = valuesOf(60, `0 ${minute} 0 * * *`, 60_000);
  const seconds = valuesOf(60, `${second} 0 0 * * *`, 1_000);
  return [seconds.join(), minutes.join(), hours.join(), ...days].join(' ');
}

/** Returns the numbers below `count` at which a pattern runs, counting each as a step of `stepMs` from midnight. */
function valuesOf(count: number, pattern: string, stepMs: number): number[] {
  const field = new Cron(pattern, { paused: true, mode, timezone: 'UTC' });
  return Array.from({ length: count }, (_, value) => value).filter((value) => field.match(new Date(value * stepMs)));
}
