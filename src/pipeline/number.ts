/** The highest number of an event: its successor must also be an exact integer. */
export const numberMax = Number.MAX_SAFE_INTEGER - 1;
