import { MillraceError } from '../../errors.ts';

/**
 * Rethrows a failed import of a NATS package, as `MILL_INVALID_CONFIGURATION` if the package is missing. A program that uses NATS installs
 * the packages itself: none of our declarations may name their types.
 */
export function rethrowMissing(cause: unknown): never {
  if (!isMissing(cause)) throw cause;
  const packages = '@nats-io/transport-node @nats-io/jetstream';
  const message = `nats: expected the packages ${packages}, found that they are not installed. Install them: npm install ${packages}`;
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message, { cause });
}

/** Returns whether one of the packages was not found, rather than one of their imports. */
function isMissing(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    'code' in thrown &&
    thrown.code === 'ERR_MODULE_NOT_FOUND' &&
    /'@nats-io\/(transport-node|jetstream)'/.test(thrown.message)
  );
}
