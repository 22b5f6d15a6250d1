import type { ResolvedOrder } from '../pipeline/pipeline.ts';
import type { KeySummary } from '../store/store.ts';
import type { KeyStanding } from './mill-options.ts';

/** Returns a key's standing. It waits for a number if it holds events and the lowest of them is not the next one. */
export function standingOf(
  order: ResolvedOrder | undefined,
  { parked, next, heldFrom, isRetried }: Omit<KeySummary, 'key' | 'held'>,
): KeyStanding {
  if (parked) return 'parked';
  if (order !== undefined && heldFrom !== null && heldFrom > (next ?? order.from)) return 'waiting';
  return isRetried ? 'blocked' : 'open';
}
