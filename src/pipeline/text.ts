/** Whether every store can hold a text as it is: half of a surrogate pair has no UTF-8, and PostgreSQL has no U+0000. */
export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** Whether a text has no more characters (code points) than that. */
export function hasAtMost(text: string, characters: number): boolean {
  return text.length <= characters || (text.length <= 2 * characters && charactersOf(text) <= characters);
}

/** The characters (code points) of a text. */
export function charactersOf(text: string): number {
  let characters = 0;
  for (const _ of text) characters += 1;
  return characters;
}

/** The text with U+FFFD in place of what no store can hold, cut to a length. For texts that are only read. */
export function toStorableText(text: string, lengthMax: number): string {
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  return cut.toWellFormed().replaceAll('\0', '\uFFFD');
}
