import type { DeliveryFailure } from './store.ts';

/** Returns the last failure of a delivery from the two columns that have it; null where they are empty. */
export function deliveryFailureOf(reason: unknown, at: unknown): DeliveryFailure | null {
  return reason === null || reason === undefined ? null : { at: Number(at), reason: String(reason) };
}
