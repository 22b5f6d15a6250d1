/** The farthest moment from 1970 that a `Date` has, in milliseconds (ECMA-262, "Time Values and Time Range"). */
const momentMax = 8.64e15;

/** Whether a number is a moment in milliseconds since 1970: an integer that a `Date` can show. */
export function isMoment(at: number): boolean {
  return Number.isInteger(at) && Math.abs(at) <= momentMax;
}
