import type { DeliveryName } from '../../store/store.ts';
import type { TenureContext } from '../engine-context.ts';

/** Records the withdrawal of a delivery in its key's timeline, as far as it is known. */
export function tellWithdrawn(
  { engine, draft }: Pick<TenureContext, 'engine' | 'draft'>,
  { key, endpoint, id }: DeliveryName,
  known: { readonly attempts?: number; readonly reason?: string } = {},
): void {
  draft().told?.tellOf(key, { kind: 'delivery-withdrawn', at: engine.clock.now(), endpoint, delivery: id, ...known });
}
