/** Compares texts by their UTF-8 bytes, as SQLite does, so that lists and pages come in the same order from every store. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  // Texts that UTF-8 cannot tell apart (lone surrogates) are still not the same text.
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) || (a < b ? -1 : 1);
}
