import { MillraceError } from '../../../errors.ts';

/**
 * Rethrows a failed import of `mysql2`, as `MILL_INVALID_CONFIGURATION` if the package is missing. A program that uses this store installs
 * `mysql2` itself: none of our declarations may name its types.
 */
export function rethrowMissing(cause: unknown): never {
  if (!isMissing(cause)) throw cause;
  const message = 'mysql: the package mysql2 is not installed. Install it: npm install mysql2';
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message, { cause });
}

/** Returns whether `mysql2` itself was not found, rather than one of its imports. */
function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_MODULE_NOT_FOUND' && thrown.message.includes("'mysql2'");
}
