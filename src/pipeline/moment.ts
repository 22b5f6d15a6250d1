/** The farthest moment from 1970 that a `Date` can hold, in milliseconds (ECMA-262, "Time Values and Time Range"). */
const momentMax = 8.64e15;

/** Returns whether a number is a moment in milliseconds since 1970: an integer that a `Date` can hold. */
export function isMoment(at: number): boolean {
  return Number.isInteger(at) && Math.abs(at) <= momentMax;
}

/** A moment as text: UTC with milliseconds, as `Date.toISOString()` writes the years 0000 to 9999. Sorting the texts sorts them by time. */
const momentText = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** The last day that every month has. */
const commonDayMax = '28';

/** Returns whether a text is a moment in UTC with milliseconds, such as `2022-02-02T18:39:05.863Z`. */
export function isMomentText(text: string): boolean {
  if (!momentText.test(text)) return false;
  // `Date` turns a day that its month does not have into another day.
  return text.slice(8, 10) <= commonDayMax || new Date(text).toISOString() === text;
}
