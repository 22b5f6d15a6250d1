import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';

/** Far longer than any condition takes on a slow machine. In milliseconds. */
const longestMs = 5 * 60_000;

/** Resolves once a condition holds. Throws if it takes too long, which makes the waiting test fail at that place. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const { stack } = new Error('expected a condition to hold, found that it does not');
  for (const end = performance.now() + longestMs; !(await holds()); await setImmediate()) {
    if (performance.now() > end) throw new Error(`waited for ${longestMs} ms\n${stack}`);
  }
}
