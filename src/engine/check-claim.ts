import { MillraceError } from '../errors.ts';
import type { Claim, PartitionId } from '../store/store.ts';

/** What a process knows of a partition from its last tenure. */
export interface LastTenure {
  /** The epoch of its claim. */
  readonly epoch: number;
  /** Up to where it knew the partition to be settled. */
  readonly cursor: number;
}

/**
 * Checks a claim against what the tenure before it knew to be on disk. Throws `MILL_STORE_CORRUPT` where
 *
 * - the cursor fell: what was settled would have its turns again (promise 2);
 * - the epoch did not rise: a late commit of the tenure that has ended would not be refused;
 * - the cursor is beyond the log: what is accepted next would count as settled (promise 1).
 */
export function checkClaim({ pipeline, slice }: PartitionId, claim: Claim, last: LastTenure | undefined): void {
  const refuse = (what: string) => {
    throw new MillraceError('MILL_STORE_CORRUPT', `partition ${pipeline}/${slice}: ${what}`);
  };
  const { cursor, epoch, head } = claim;
  if (cursor > head) refuse(`expected a cursor of ${head}, the end of the log, or less, found ${cursor}`);
  if (last === undefined) return;
  if (cursor < last.cursor) refuse(`expected a cursor of ${last.cursor} or more, found ${cursor}`);
  if (epoch <= last.epoch) refuse(`expected an epoch above ${last.epoch}, found ${epoch}`);
}
