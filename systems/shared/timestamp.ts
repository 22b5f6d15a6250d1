import * as z from 'zod';

/** Dates as zod checks them, leap years included, without the anchors. */
const date = z.regexes.date.source.replace(/^\^|\$$/g, '');

/** Hours, minutes, seconds (60 in a leap second), a fraction of any precision, and the UTC offset. */
const time = '([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)(\\.\\d+)?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)';

/** A moment in the format of RFC 3339, section 5.6; kept unchanged. */
export const Timestamp = z
  .string('expected an RFC 3339 date and time')
  .max(64, { abort: true })
  .regex(new RegExp(`^${date}[Tt]${time}$`), {
    error: 'expected an RFC 3339 date and time such as 2022-02-02T19:39:05.86337+01:00',
    abort: true,
  })
  .meta({ format: 'date-time', pattern: undefined, maxLength: undefined });

/**
 * Converts a moment to UTC with milliseconds, so that texts sort chronologically: `2022-02-02T18:39:05.863Z`. Finer digits are cut off; a
 * leap second becomes the first of the next minute. Throws a `RangeError` for anything else.
 */
export function toUtc(timestamp: string): string {
  const upper = timestamp.toUpperCase();
  const isLeap = upper.slice(17, 19) === '60';
  const elapsed = Date.parse(isLeap ? `${upper.slice(0, 17)}59${upper.slice(19)}` : upper);
  return new Date(isLeap ? elapsed + 1000 : elapsed).toISOString();
}

/** A {@link Timestamp} whose year has four digits in UTC too. */
export const UtcTimestamp = Timestamp.refine((timestamp) => toUtc(timestamp).length === '2022-02-02T18:39:05.863Z'.length, {
  error: 'expected a time in the years 0000 to 9999 in UTC',
});
