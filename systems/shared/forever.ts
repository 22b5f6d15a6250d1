/** A time-out that never comes, in milliseconds. */
export const forever = Number.MAX_SAFE_INTEGER;
