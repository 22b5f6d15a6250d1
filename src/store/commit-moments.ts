import { MillraceError } from '../errors.ts';
import type { Commit, OutcomeWrite, TimerWrite } from './store.ts';

/**
 * Throws `MILL_COMMIT_REFUSED` for a moment or a pause of a commit that is not an integer, or that JavaScript rounds. A database may accept
 * it, perhaps as another number, and it could not be read back.
 */
export function checkMoments({ holds, gaps, timers, outcomes, deliveries }: Commit): void {
  for (const { retryAt } of holds) check(retryAt);
  for (const { gap } of gaps) check(gap === null ? null : gap.since);
  for (const timer of timers) checkCause(timer);
  for (const outcome of outcomes) checkCause(outcome);
  for (const write of deliveries) {
    if (write.write === 'retry') {
      check(write.dueAt);
      check(write.pauseMs);
      check(write.failure?.at ?? null);
    } else if (write.write !== 'remove') check(write.delivery.dueAt);
  }
}

function checkCause(write: TimerWrite | OutcomeWrite): void {
  if (write.dueAt === null) return;
  check(write.dueAt);
  check(write.retryAt);
}

function check(moment: number | null): void {
  if (moment === null || Number.isSafeInteger(moment)) return;
  throw new MillraceError('MILL_COMMIT_REFUSED', `expected whole milliseconds, found ${moment}`);
}
