/** Whether every store can hold a text as it is: half of a surrogate pair has no UTF-8, and PostgreSQL has no U+0000. */
export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
