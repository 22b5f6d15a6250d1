import * as z from 'zod';

/** A text that a row can keep as it came: UTF-8 has no half of a surrogate pair. */
export const WellFormedText = z
  .string()
  .refine((text) => text.isWellFormed(), 'expected well-formed Unicode, found half of a surrogate pair');

/** One that lists are sorted by. It stands in their cursors, which have to fit into a URL whatever it is made of. */
export const SortedText = WellFormedText.max(512, 'expected at most 512 characters');
