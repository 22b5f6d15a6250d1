import { MillraceError } from '../errors.ts';
import type { PartitionId, Progress } from '../store/store.ts';

/**
 * Checks what a claim found. Throws `MILL_STORE_CORRUPT` where
 *
 * - the cursor is beyond the log: what is accepted next would count as settled (promise 1);
 * - the cursor fell: what was settled would have its turns again (promise 2);
 * - the log became shorter: what was accepted is gone (promise 1).
 *
 * The last two come of a failover to a replica that lacked something, or of a backup restored under a running process.
 *
 * @param known what was on disk before the claim, as far as anybody here knew
 */
export function checkStanding(partition: PartitionId, { cursor, head }: Progress, known: Progress | undefined): void {
  if (cursor > head) refuse(partition, `expected a cursor of ${head}, the end of the log, or less, found ${cursor}`);
  if (known === undefined) return;
  if (cursor < known.cursor) refuse(partition, `${lost}: expected a cursor of ${known.cursor} or more, found ${cursor}`);
  checkHead(partition, head, known.head);
}

/** Throws `MILL_STORE_CORRUPT` for a log that is shorter than it was. */
export function checkHead(partition: PartitionId, head: number, known: number): void {
  if (head < known) refuse(partition, `${lost}: expected a log up to ${known} or beyond, found one up to ${head}`);
}

const lost = 'the store has lost what it had acknowledged';

function refuse({ pipeline, slice }: PartitionId, what: string): never {
  throw new MillraceError('MILL_STORE_CORRUPT', `partition ${pipeline}/${slice}: ${what}`);
}
