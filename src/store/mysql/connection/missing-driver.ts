import { MillraceError } from '../../../errors.ts';

/**
 * Throws again what the import of `mysql2` was rejected with; where the package is missing that is `MILL_INVALID_CONFIGURATION`. A program
 * that uses this store installs `mysql2` itself: no declaration of ours may name its types.
 */
export function rethrowMissing(cause: unknown): never {
  if (!isMissing(cause)) throw cause;
  const message = 'mysql: expected the package mysql2, found that it is not installed. Install it: npm install mysql2';
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message, { cause });
}

/** Whether `mysql2` itself was not found; of what it imports, nothing is missing. */
function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_MODULE_NOT_FOUND' && thrown.message.includes("'mysql2'");
}
