import { MillraceError } from '../../../errors.ts';
import type { PartitionId } from '../../store.ts';

/** The error for work under a lease that is over. */
export function fenced({ pipeline, slice }: PartitionId, cause?: unknown): MillraceError {
  return new MillraceError('MILL_STORE_FENCED', `partition ${pipeline}/${slice}: the lease is over`, {
    cause,
  });
}
