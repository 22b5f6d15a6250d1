import { MillraceError } from '../errors.ts';
import { describeLoadFailure } from './load-failure.ts';

/** Reports a load that takes longer than this. In milliseconds. */
const slowAfterMs = 10_000;

/**
 * Imports a user's module. If it does not load, throws `MILL_INVALID_CONFIGURATION` saying what is wrong, where, and what to do; the cause
 * is the original error. `shown` is the module's name in messages, and `onSlow` is called once if loading is slow.
 */
export async function importModule(url: string, shown: string, onSlow: (message: string) => void): Promise<object> {
  const slow = setTimeout(() => onSlow(`${shown} is still loading after ${slowAfterMs / 1000} s: ${waits}`), slowAfterMs);
  slow.unref();
  const { promise: idle, reject } = Promise.withResolvers<never>();
  // Nothing is left that could happen, so whatever the module awaits will never come.
  const end = () => reject(new MillraceError('MILL_INVALID_CONFIGURATION', `${shown}: never finishes loading: ${waits}`));
  process.once('beforeExit', end);
  try {
    return await Promise.race([idle, load(url, shown)]);
  } finally {
    process.removeListener('beforeExit', end);
    clearTimeout(slow);
  }
}

const waits = 'waiting for a top-level await in it, or in a module it imports';

async function load(url: string, shown: string): Promise<object> {
  try {
    return await import(url);
  } catch (error) {
    throw new MillraceError('MILL_INVALID_CONFIGURATION', `${shown}: cannot be loaded: ${describeLoadFailure(error)}`, { cause: error });
  }
}
