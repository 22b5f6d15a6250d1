import type { DeliveryName } from '../../store/store.ts';
import type { TenureContext } from '../engine-context.ts';

/** Tells the timeline of a delivery's key that somebody has withdrawn the delivery, as far as more than its name is known. */
export function tellWithdrawn(
  { engine, draft }: Pick<TenureContext, 'engine' | 'draft'>,
  { key, endpoint, id }: DeliveryName,
  known: { readonly attempts?: number; readonly reason?: string } = {},
): void {
  draft().tell(key, { kind: 'delivery-withdrawn', at: engine.clock.now(), endpoint, delivery: id, ...known });
}
