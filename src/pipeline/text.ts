/** Returns whether every store can hold a text unchanged: half of a surrogate pair has no UTF-8, and PostgreSQL has no U+0000. */
export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** Returns whether a text has at most that many characters (code points). */
export function hasAtMost(text: string, characters: number): boolean {
  return text.length <= characters || (text.length <= 2 * characters && charactersOf(text) <= characters);
}

/** Counts the characters (code points) of a text. */
export function charactersOf(text: string): number {
  let characters = 0;
  for (const _ of text) characters += 1;
  return characters;
}

/** Returns the text cut to a length, with U+FFFD for anything no store can hold. For texts that are only read. */
export function toStorableText(text: string, lengthMax: number): string {
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  return cut.toWellFormed().replaceAll('\0', '\uFFFD');
}
