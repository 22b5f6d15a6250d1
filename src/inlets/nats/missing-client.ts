import { MillraceError } from '../../errors.ts';

/**
 * Throws again what the import of a package of NATS was rejected with; where the package is missing that is
 * `MILL_INVALID_CONFIGURATION`. A program that uses NATS installs the packages itself: no declaration of ours may name their types.
 */
export function rethrowMissing(cause: unknown): never {
  if (!isMissing(cause)) throw cause;
  const packages = '@nats-io/transport-node @nats-io/jetstream';
  const message = `nats: expected the packages ${packages}, found that they are not installed. Install them: npm install ${packages}`;
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message, { cause });
}

/** Returns whether one of the packages was not found; of what they import, nothing is missing. */
function isMissing(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    'code' in thrown &&
    thrown.code === 'ERR_MODULE_NOT_FOUND' &&
    /'@nats-io\/(transport-node|jetstream)'/.test(thrown.message)
  );
}
