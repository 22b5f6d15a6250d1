import ms from 'ms';
import { MillraceError } from '../errors.ts';

/** A span of time: milliseconds, or a number with a unit such as `500ms`, `5s`, `2m`, `24h`, `7d`. */
export type Duration = number | ms.StringValue;

/** The span in milliseconds. Throws `MILL_INVALID_DECLARATION` that names `what` when it is none. */
export function toMs(duration: Duration, what: string): number {
  const parsed = typeof duration === 'number' ? duration : parse(duration);
  if (Number.isFinite(parsed) && parsed >= 0) return parsed;
  throw new MillraceError(
    'MILL_INVALID_DECLARATION',
    `${what}: expected milliseconds or a duration such as 500ms, 5s, 2m, found ${JSON.stringify(duration)}`,
  );
}

function parse(text: string): number {
  return typeof text === 'string' && /^\d/.test(text) && text.length <= 100 ? (ms(text as ms.StringValue) ?? Number.NaN) : Number.NaN;
}
