import { MillraceError } from '../errors.ts';
import { describeLoadFailure } from './load-failure.ts';

/** A load that takes longer is reported. In milliseconds. */
const slowAfterMs = 10_000;

/**
 * Imports a module of the user. Throws `MILL_INVALID_CONFIGURATION` when it does not load, with what is wrong, where, and
 * what to do; its cause is what was thrown. `shown` is the module's name in messages, and `onSlow` is called once when it
 * takes long.
 */
export async function importModule(url: string, shown: string, onSlow: (message: string) => void): Promise<object> {
  const slow = setTimeout(() => onSlow(`${shown} still loads after ${slowAfterMs / 1000} s: ${waits}`), slowAfterMs);
  slow.unref();
  const { promise: idle, reject } = Promise.withResolvers<never>();
  // Nothing is left that could happen, so what the module awaits never comes.
  const end = () => reject(new MillraceError('MILL_INVALID_CONFIGURATION', `${shown}: never comes to the end of loading: ${waits}`));
  process.once('beforeExit', end);
  try {
    return await Promise.race([idle, load(url, shown)]);
  } finally {
    process.removeListener('beforeExit', end);
    clearTimeout(slow);
  }
}

const waits = 'a top-level await of it, or of a module that it imports, waits';

async function load(url: string, shown: string): Promise<object> {
  try {
    return await import(url);
  } catch (error) {
    throw new MillraceError('MILL_INVALID_CONFIGURATION', `${shown}: cannot be loaded: ${describeLoadFailure(error)}`, { cause: error });
  }
}
