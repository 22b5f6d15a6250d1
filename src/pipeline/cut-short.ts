const cut = Symbol('cut short');

/**
 * Marks rows as cut short: more exist, but these already fill a page by size. The mark is invisible and copies of the array lose it.
 * `pageOf` leaves the last row to the next page.
 */
export function markCutShort(rows: readonly unknown[]): void {
  Object.defineProperty(rows, cut, { value: true });
}

/** Returns whether a page query stopped because of the rows' size, not because there were no more. */
export function isCutShort(rows: readonly unknown[]): boolean {
  return (rows as { readonly [cut]?: boolean })[cut] === true;
}
