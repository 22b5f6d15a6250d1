import * as z from 'zod';

/** Why a row cannot keep a text as it came; undefined when it can. UTF-8 has no half of a surrogate pair, a `text` column no U+0000. */
export function faultOfText(text: string): string | undefined {
  if (!text.isWellFormed()) return 'expected well-formed Unicode, found half of a surrogate pair';
  return text.includes('\0') ? 'expected a text without U+0000' : undefined;
}

/** The text as a row can keep it, for what others have said and cannot be asked to say again: U+FFFD stands for what a row cannot keep. */
export function toRowText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

/** A text that a row can keep as it came. */
export const RowText = z.string().superRefine((text, context) => {
  const fault = faultOfText(text);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** One that lists are sorted by. It stands in their cursors, which have to fit into a URL whatever it is made of. */
export const SortedText = RowText.max(512, 'expected at most 512 characters');
