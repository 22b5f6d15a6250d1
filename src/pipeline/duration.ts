import { describeFound } from '../describe-found.ts';
import { type ErrorCode, MillraceError } from '../errors.ts';

/** Every unit of a duration, in milliseconds. */
const unitsMs = {
  ms: 1,
  millisecond: 1,
  milliseconds: 1,
  s: 1_000,
  second: 1_000,
  seconds: 1_000,
  m: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
  weeks: 604_800_000,
} as const;

/**
 * A span of time: milliseconds, or a number with a unit such as `500ms`, `5s`, `2m`, `24h`, `7d` or `7 days`. The type has every text
 * that is read at run time, and no other: the number is any finite one that JavaScript reads, and the unit is one of the table above. Only
 * the run time refuses a blank in place of the number, and a span that is negative or longer than some 30,000 years.
 */
export type Duration = number | `${number}${keyof typeof unitsMs}`;

/** Some 30,000 years: now and so long is a moment that a `Date` has. */
const durationMsMax = 1e15;

/** The span in milliseconds. Throws an error, by default `MILL_INVALID_DECLARATION`, that names `what` when it is none. */
export function toMs(duration: Duration, what: string, code: ErrorCode = 'MILL_INVALID_DECLARATION'): number {
  const spanMs = typeof duration === 'number' ? duration : parse(duration);
  if (spanMs >= 0 && spanMs <= durationMsMax) return spanMs;
  throw new MillraceError(
    code,
    `${what}: expected milliseconds or a duration such as 500ms, 5s, 2m, 24h or 7d, at most ${durationMsMax} ms, found ${describeFound(duration)}`,
  );
}

const form = new RegExp(`^(.+?)(${Object.keys(unitsMs).join('|')})$`, 's');

/** Returns NaN for what is no duration. A caller without types may give anything. */
function parse(text: unknown): number {
  const [, amount = '', unit] = (typeof text === 'string' && form.exec(text)) || [];
  // JavaScript reads a blank as 0.
  return amount.trim() === '' ? Number.NaN : Number(amount) * unitsMs[unit as keyof typeof unitsMs];
}
