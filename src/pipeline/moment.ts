/** The farthest moment from 1970 that a `Date` has, in milliseconds (ECMA-262, "Time Values and Time Range"). */
const momentMax = 8.64e15;

/** Whether a number is a moment in milliseconds since 1970: an integer that a `Date` can show. */
export function isMoment(at: number): boolean {
  return Number.isInteger(at) && Math.abs(at) <= momentMax;
}

/** A moment as a text: UTC with milliseconds, as `Date.toISOString()` writes those of the years 0000 to 9999. Their order is that of time. */
const momentText = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Whether a text is a moment in UTC with milliseconds, such as `2022-02-02T18:39:05.863Z`. */
export function isMomentText(text: string): boolean {
  if (!momentText.test(text)) return false;
  const at = Date.parse(text);
  // A day that its month does not have is another one by then.
  return !Number.isNaN(at) && new Date(at).toISOString() === text;
}
