import { MillraceError } from '../errors.ts';
import type { PartitionId, Standing } from '../store/store.ts';

/**
 * Checks what a claim found. Throws `MILL_STORE_CORRUPT` where
 *
 * - the cursor fell: what was settled would have its turns again (promise 2);
 * - the cursor is beyond the log: what is accepted next would count as settled (promise 1).
 *
 * @param settled up to where the tenure before it knew the partition to be settled
 */
export function checkStanding({ pipeline, slice }: PartitionId, { cursor, head }: Standing, settled: number | undefined): void {
  const refuse = (what: string) => {
    throw new MillraceError('MILL_STORE_CORRUPT', `partition ${pipeline}/${slice}: ${what}`);
  };
  if (cursor > head) refuse(`expected a cursor of ${head}, the end of the log, or less, found ${cursor}`);
  if (settled !== undefined && cursor < settled) refuse(`expected a cursor of ${settled} or more, found ${cursor}`);
}
