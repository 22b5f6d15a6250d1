import type { DeliveryOutcome } from '../../pipeline/endpoint.ts';
import type { StoredDelivery, StoredOutcome } from '../../store/store.ts';

/*
 * An outcome is on disk before its key is notified, and due at once. So it has its turn in the key's order, is retried when the turn fails,
 * survives a crash, and ends as a dead letter like a timer (promises 2, 3, 9).
 */

/** The outcome of a delivery as it is stored. */
export function toStoredOutcome({ endpoint, key }: Pick<StoredDelivery, 'endpoint' | 'key'>, outcome: DeliveryOutcome): StoredOutcome {
  const { id, at } = outcome;
  return { kind: 'outcome', key, endpoint, id, dueAt: at, data: JSON.stringify(outcome), attempts: 0, retryAt: null };
}

/** Returns whether an outcome is final for its delivery. */
export function isDecided({ data }: Pick<StoredOutcome, 'data'>): boolean {
  const { status }: Pick<DeliveryOutcome, 'status'> = JSON.parse(data);
  return status === 'delivered' || status === 'given up' || status === 'unknown';
}
