/** The highest number of an event: the one that follows it is an integer that is exact, too. */
export const numberMax = Number.MAX_SAFE_INTEGER - 1;
