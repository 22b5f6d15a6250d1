import { MillraceError } from '../errors.ts';
import type { PartitionId, Progress } from '../store/store.ts';

/**
 * Checks the result of a claim. Throws `MILL_STORE_CORRUPT` if
 *
 * - the cursor is beyond the log: newly accepted events would count as settled (promise 1);
 * - the cursor fell: settled events would run again (promise 2);
 * - the log became shorter: accepted events are gone (promise 1).
 *
 * The last two result from a failover to a lagging replica, or from restoring a backup under a running process.
 *
 * @param known what this process knew to be on disk before the claim
 */
export function checkStanding(partition: PartitionId, { cursor, head }: Progress, known: Progress | undefined): void {
  if (cursor > head) refuse(partition, `expected a cursor of ${head}, the end of the log, or less, found ${cursor}`);
  if (known === undefined) return;
  if (cursor < known.cursor) refuse(partition, `${lost}: expected a cursor of ${known.cursor} or more, found ${cursor}`);
  checkHead(partition, head, known.head);
}

/** Throws `MILL_STORE_CORRUPT` for a log that has become shorter. */
export function checkHead(partition: PartitionId, head: number, known: number): void {
  if (head < known) refuse(partition, `${lost}: expected a log up to ${known} or beyond, found one up to ${head}`);
}

const lost = 'the store has lost data that it had acknowledged';

function refuse({ pipeline, slice }: PartitionId, what: string): never {
  throw new MillraceError('MILL_STORE_CORRUPT', `partition ${pipeline}/${slice}: ${what}`);
}
