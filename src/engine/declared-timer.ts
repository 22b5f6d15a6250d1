import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { deliveryOf } from './outbox/outcome.ts';

/** Why a pipeline cannot handle a timer: what the timer is for is no longer declared. Undefined where it is. */
export function whyUndeclared({ name: pipeline, timers, deliver }: AnyPipeline, timer: string): string | undefined {
  const delivery = deliveryOf(timer);
  if (delivery === undefined) {
    if (Object.hasOwn(timers, timer)) return undefined;
    return `timer ${timer}: expected one that pipeline ${pipeline} declares (${namesOf(timers)}), found none of that name`;
  }
  const { endpoint, id } = delivery;
  if (Object.hasOwn(deliver, endpoint)) return undefined;
  return `outcome of delivery ${id} to ${endpoint}: expected an endpoint that pipeline ${pipeline} declares (${namesOf(deliver)}), found none of that name`;
}

/** Whether a timer brings the outcome of an endpoint that is declared and tells its keys nothing. */
export function isUnheard({ deliver }: AnyPipeline, timer: string): boolean {
  const delivery = deliveryOf(timer);
  return delivery !== undefined && Object.hasOwn(deliver, delivery.endpoint) && deliver[delivery.endpoint]?.outcome === undefined;
}

function namesOf(declared: object): string {
  return Object.keys(declared).join(', ') || 'none';
}
