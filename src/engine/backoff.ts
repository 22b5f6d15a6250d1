import type { Pipeline } from '../pipeline/pipeline.ts';

/**
 * Returns the pause after a failed attempt, in milliseconds: it doubles from `backoffMs` up to `backoffMsMax`, and the share `jitter` of it
 * is random, so that keys that failed together are not retried together.
 *
 * @param attempts failed attempts so far, from 1
 * @param random a number in [0, 1)
 */
export function pauseMs(retry: Pipeline['retry'], attempts: number, random: number): number {
  const full = Math.min(retry.backoffMsMax, retry.backoffMs * 2 ** Math.min(attempts - 1, 40));
  return Math.round(full * (1 - retry.jitter * random));
}
