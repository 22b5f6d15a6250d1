import { MillraceError } from '../../../errors.ts';

/**
 * Throws again what the import of `pg` was rejected with; where the package is missing that is `MILL_INVALID_CONFIGURATION`. A program
 * that uses this store installs `pg` itself, without its types perhaps: no declaration of ours may name them.
 */
export function rethrowMissing(cause: unknown): never {
  if (!isMissing(cause)) throw cause;
  const message = 'postgres: expected the package pg, found that it is not installed. Install it: npm install pg';
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message, { cause });
}

/** Whether `pg` itself was not found; of what it imports, nothing is missing. */
function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_MODULE_NOT_FOUND' && thrown.message.includes("'pg'");
}
