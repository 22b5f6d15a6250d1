/** The farthest moment from 1970 that a `Date` has, in milliseconds (ECMA-262, "Time Values and Time Range"). */
const momentMax = 8.64e15;

/** Whether a number is a moment in milliseconds since 1970: an integer that a `Date` can show. */
export function isMoment(at: number): boolean {
  return Number.isInteger(at) && Math.abs(at) <= momentMax;
}

/** A moment as a text: UTC with milliseconds, as `Date.toISOString()` writes those of the years 0000 to 9999. Their order is that of time. */
const momentText = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** The last day that every month has. */
const commonDayMax = '28';

/** Whether a text is a moment in UTC with milliseconds, such as `2022-02-02T18:39:05.863Z`. */
export function isMomentText(text: string): boolean {
  if (!momentText.test(text)) return false;
  // A day that its month does not have is another one in what `Date` makes of it.
  return text.slice(8, 10) <= commonDayMax || new Date(text).toISOString() === text;
}
