import ms from 'ms';
import { type ErrorCode, MillraceError } from '../errors.ts';

/** A span of time: milliseconds, or a number with a unit such as `500ms`, `5s`, `2m`, `24h`, `7d`. */
export type Duration = number | ms.StringValue;

/** Some 30,000 years: now and so long is a moment that a `Date` has. */
const durationMsMax = 1e15;

/** The span in milliseconds. Throws an error, by default `MILL_INVALID_DECLARATION`, that names `what` when it is none. */
export function toMs(duration: Duration, what: string, code: ErrorCode = 'MILL_INVALID_DECLARATION'): number {
  const parsed = typeof duration === 'number' ? duration : parse(duration);
  if (parsed >= 0 && parsed <= durationMsMax) return parsed;
  throw new MillraceError(
    code,
    `${what}: expected milliseconds or a duration such as 500ms, 5s, 2m, at most ${durationMsMax} ms, found ${shown(duration)}`,
  );
}

/** JSON has no word for numbers such as NaN. */
function shown(duration: unknown): string {
  return typeof duration === 'string' ? JSON.stringify(duration) : String(duration);
}

function parse(text: string): number {
  return typeof text === 'string' && /^\d/.test(text) && text.length <= 100 ? (ms(text as ms.StringValue) ?? Number.NaN) : Number.NaN;
}
