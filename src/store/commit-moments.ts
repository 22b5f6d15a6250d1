import { MillraceError } from '../errors.ts';
import type { Commit } from './store.ts';

/**
 * Throws `MILL_COMMIT_REFUSED` for a moment of a commit that is no integer, or one that JavaScript rounds. A database may take
 * it, as another number perhaps, and nobody could read it back.
 */
export function checkMoments({ holds, gaps, timers, deliveries }: Commit): void {
  for (const { retryAt } of holds) check(retryAt);
  for (const { gap } of gaps) check(gap === null ? null : gap.since);
  for (const { timer } of timers) {
    if (timer === null) continue;
    check(timer.dueAt);
    check(timer.retryAt);
  }
  for (const write of deliveries) {
    if (write.write === 'retry') check(write.dueAt);
    else if (write.write !== 'remove') check(write.delivery.dueAt);
  }
}

function check(moment: number | null): void {
  if (moment === null || Number.isSafeInteger(moment)) return;
  throw new MillraceError('MILL_COMMIT_REFUSED', `expected a moment in whole milliseconds, found ${moment}`);
}
