import * as z from 'zod';

/** Dates as zod checks them, leap years included, without the anchors. */
const date = z.regexes.date.source.replace(/^\^|\$$/g, '');

/** Hours, minutes, seconds (60 in a leap second), a fraction of any precision, and the distance to UTC. */
const time = '([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)(\\.\\d+)?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)';

/** A moment as RFC 3339, section 5.6, writes it; kept as it came. */
export const Timestamp = z
  .string('expected an RFC 3339 date and time')
  .max(64)
  .regex(new RegExp(`^${date}[Tt]${time}$`), 'expected an RFC 3339 date and time such as 2022-02-02T19:39:05.86337+01:00')
  .meta({ format: 'date-time', pattern: undefined, maxLength: undefined });
