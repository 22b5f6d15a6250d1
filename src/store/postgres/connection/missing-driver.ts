import { MillraceError } from '../../../errors.ts';

/**
 * Rethrows a failed import of `pg`, as `MILL_INVALID_CONFIGURATION` if the package is missing. A program that uses this store installs `pg`
 * itself, perhaps without its types: none of our declarations may name them.
 */
export function rethrowMissing(cause: unknown): never {
  if (!isMissing(cause)) throw cause;
  const message = 'postgres: the package pg is not installed. Install it: npm install pg';
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message, { cause });
}

/** Returns whether `pg` itself was not found, rather than one of its imports. */
function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_MODULE_NOT_FOUND' && thrown.message.includes("'pg'");
}
