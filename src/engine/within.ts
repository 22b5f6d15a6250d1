import type { Clock } from './clock.ts';

/** Resolves true once `done` has resolved, false after `timeoutMs`; rejects as `done` does. */
export async function within(clock: Pick<Clock, 'after'>, timeoutMs: number, done: Promise<unknown>): Promise<boolean> {
  if (timeoutMs === 0) return false;
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const disarm = clock.after(timeoutMs, () => resolve(false));
  try {
    return await Promise.race([done.then(() => true), late]);
  } finally {
    disarm();
  }
}
