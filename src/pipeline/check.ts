import { MillraceError } from '../errors.ts';

/** Throws `MILL_INVALID_DECLARATION`. */
export function invalid(message: string): never {
  throw new MillraceError('MILL_INVALID_DECLARATION', message);
}
