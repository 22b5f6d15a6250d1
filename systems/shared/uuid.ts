import * as z from 'zod';

/** A UUID of any version, in lower case, so that one thing has one name. */
export const Uuid = z.guid('expected a UUID').toLowerCase();
