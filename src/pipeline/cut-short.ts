const cut = Symbol('cut short');

/**
 * Remembers of rows that there are more than these: what they hold is as much as a page may. The array looks as any other: copies of it
 * do not remember. `pageOf` leaves the last of them to the next page.
 */
export function markCutShort(rows: readonly unknown[]): void {
  Object.defineProperty(rows, cut, { value: true });
}

/** Returns whether a query for a page ended with these rows for what they hold, and not since there are no more. */
export function isCutShort(rows: readonly unknown[]): boolean {
  return (rows as { readonly [cut]?: boolean })[cut] === true;
}
