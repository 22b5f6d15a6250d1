import type { Transport } from '../../pipeline/endpoint.ts';
import { checkDeliveryOptions, type NatsDeliveryOptions } from './delivery-options.ts';
import { NatsTransport } from './nats-transport.ts';

/**
 * Publishes deliveries to NATS JetStream, each under its id.
 *
 * ```ts
 * pipeline('orders', {
 *   event: Order,
 *   deliver: { out: { to: nats({ servers: 'nats://localhost:4222', subject: 'orders.paid' }), order: 'key' } },
 *   handle: (order, state, turn) => turn.deliver('out', order),
 * });
 * ```
 *
 * Throws `MILL_INVALID_DECLARATION` that names the option, what it expects and, unless it may be a secret, what it found.
 */
export function nats(options: NatsDeliveryOptions): Transport {
  checkDeliveryOptions(options);
  return new NatsTransport(options);
}
