import { MillraceError } from '../errors.ts';

/** Throws `MILL_INVALID_DECLARATION`. */
export function invalid(message: string): never {
  throw new MillraceError('MILL_INVALID_DECLARATION', message);
}

/** Returns whether a value can name a pipeline or an endpoint: lower-case letters, digits and _, at most 40, starting with a letter. */
export function isName(name: unknown): boolean {
  return typeof name === 'string' && /^[a-z][a-z0-9_]{0,39}$/.test(name);
}
