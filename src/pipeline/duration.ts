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
 * A span of time: milliseconds, or a number with a unit such as `500ms`, `5s`, `2m`, `24h`, `7d` or `7 days`. The type covers exactly the
 * texts accepted at run time: the number is any finite one that JavaScript reads, and the unit comes from the table above. Only the
 * run-time check refuses a blank number, a negative span, and one longer than some 30,000 years.
 */
export type Duration = number | `${number}${keyof typeof unitsMs}`;

/** Some 30,000 years: a `Date` can still hold a moment this far from now. */
const durationMsMax = 1e15;

/** Returns the span in milliseconds. For anything else throws an error naming `what`, by default `MILL_INVALID_DECLARATION`. */
export function toMs(duration: Duration, what: string, code: ErrorCode = 'MILL_INVALID_DECLARATION'): number {
  const spanMs = typeof duration === 'number' ? duration : parse(duration);
  if (spanMs >= 0 && spanMs <= durationMsMax) return spanMs;
  throw new MillraceError(
    code,
    `${what}: expected milliseconds or a duration such as 500ms, 5s, 2m, 24h or 7d, at most ${durationMsMax} ms, found ${describeFound(duration)}`,
  );
}

const form = new RegExp(`^(.+?)(${Object.keys(unitsMs).join('|')})$`, 's');

/** Returns NaN for anything but a duration. Untyped callers may pass anything. */
function parse(text: unknown): number {
  const [, amount = '', unit] = (typeof text === 'string' && form.exec(text)) || [];
  // JavaScript reads a blank as 0.
  return amount.trim() === '' ? Number.NaN : Number(amount) * unitsMs[unit as keyof typeof unitsMs];
}
