import type { DeliveryOutcome } from '../../pipeline/endpoint.ts';
import type { StoredDelivery, StoredTimer } from '../../store/store.ts';
import type { DueTimer } from '../key-timers.ts';

/*
 * An outcome is on disk before its key is told, as a timer that is due at once. So it has its turn in the key's order, is
 * tried again when the turn fails, survives a crash, and ends as a dead letter like any other (promises 2, 3, 9).
 */

const prefix = 'outcome/';

/** The timer that brings an outcome to its key. No timer that a pipeline declares has such a name. */
export function outcomeTimer({ endpoint, key }: Pick<StoredDelivery, 'endpoint' | 'key'>, outcome: DeliveryOutcome): DueTimer {
  const name = outcomeName({ endpoint, id: outcome.id });
  return { key, name, dueAt: outcome.at, data: JSON.stringify(outcome), attempts: 0, retryAt: null };
}

export function outcomeName({ endpoint, id }: Pick<StoredDelivery, 'endpoint' | 'id'>): string {
  return `${prefix}${endpoint}/${id}`;
}

export function isOutcome(timerName: string): boolean {
  return timerName.startsWith(prefix);
}

/** Whose outcome a timer brings; undefined for a timer of the pipeline's own. */
export function deliveryOf(timerName: string): Pick<StoredDelivery, 'endpoint' | 'id'> | undefined {
  if (!isOutcome(timerName)) return undefined;
  const at = timerName.indexOf('/', prefix.length);
  return { endpoint: timerName.slice(prefix.length, at), id: timerName.slice(at + 1) };
}

/** The endpoint whose outcomes a name or group of names (`outcome/<endpoint>`) stands for; undefined for timers of the pipeline's own. */
export function endpointOf(timerNames: string): string | undefined {
  return isOutcome(timerNames) ? timerNames.split('/', 2)[1] : undefined;
}

/** Whether the outcome that a timer brings is the last word on its delivery. */
export function isDecided({ data }: Pick<StoredTimer, 'data'>): boolean {
  const { status }: Pick<DeliveryOutcome, 'status'> = JSON.parse(data ?? '{}');
  return status === 'delivered' || status === 'given up' || status === 'unknown';
}
