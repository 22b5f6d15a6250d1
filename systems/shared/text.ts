import * as z from 'zod';

/**
 * Returns why a row cannot hold a text unchanged; undefined if it can. UTF-8 has no half of a surrogate pair, a `text` column no U+0000.
 */
export function faultOfText(text: string): string | undefined {
  if (!text.isWellFormed()) return 'expected well-formed Unicode, found half of a surrogate pair';
  return text.includes('\0') ? 'expected a text without U+0000' : undefined;
}

/** Returns a text that a row can hold, for foreign texts that cannot be requested again: U+FFFD replaces unstorable characters. */
export function toRowText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

/** A text that a row can hold unchanged. */
export const RowText = z.string().superRefine((text, context) => {
  const fault = faultOfText(text);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** A text that lists are sorted by. It is part of their cursors, which must fit into a URL whatever its contents. */
export const SortedText = RowText.max(512, 'expected at most 512 characters');
