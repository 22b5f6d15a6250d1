import { MillraceError } from '../errors.ts';

/** Throws `MILL_INVALID_DECLARATION`. */
export function invalid(message: string): never {
  throw new MillraceError('MILL_INVALID_DECLARATION', message);
}

/** Whether it can be the name of a pipeline or of an endpoint: lower-case letters, digits and _, at most 40, a letter first. */
export function isName(name: unknown): boolean {
  return typeof name === 'string' && /^[a-z][a-z0-9_]{0,39}$/.test(name);
}
