import type { Transport } from '../../pipeline/endpoint.ts';
import type { Inlet } from '../../pipeline/inlet.ts';
import { checkDeliveryOptions, type NatsDeliveryOptions } from './delivery-options.ts';
import { checkInletOptions, type NatsInletOptions } from './inlet-options.ts';
import { NatsInlet } from './nats-inlet.ts';
import { NatsTransport } from './nats-transport.ts';

/**
 * Connects to NATS JetStream. With a `subject` it publishes deliveries, each under its id; without one it takes events in, each message of
 * a stream once.
 *
 * ```ts
 * pipeline('orders', {
 *   event: Order,
 *   from: nats({ servers: 'nats://localhost:4222', stream: 'ORDERS' }),
 *   deliver: { out: { to: nats({ servers: 'nats://localhost:4222', subject: 'orders.paid' }), order: 'key' } },
 *   handle: (order, state, turn) => turn.deliver('out', order),
 * });
 * ```
 *
 * Throws `MILL_INVALID_DECLARATION`, naming the option, the expected value and, unless it may be a secret, the one found.
 */
export function nats(options: NatsDeliveryOptions): Transport;
export function nats(options: NatsInletOptions): Inlet;
export function nats(options: NatsDeliveryOptions | NatsInletOptions): Transport | Inlet {
  if (isOfEvents(options)) {
    checkInletOptions(options);
    return new NatsInlet(options);
  }
  checkDeliveryOptions(options);
  return new NatsTransport(options);
}

/** A subject means deliveries, which may name a stream, too. Anything but an object is refused by its check. */
function isOfEvents(options: NatsDeliveryOptions | NatsInletOptions): options is NatsInletOptions {
  return typeof options === 'object' && options !== null && 'stream' in options && !('subject' in options);
}
