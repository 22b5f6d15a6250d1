import * as z from 'zod';

/** A text that a row can keep as it came: UTF-8 has no half of a surrogate pair. */
export const WellFormedText = z.string().refine((text) => text.isWellFormed(), {
  error: 'expected well-formed Unicode, found half of a surrogate pair',
});
