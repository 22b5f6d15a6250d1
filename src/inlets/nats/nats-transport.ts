import type { Answer, OutgoingCall, Transport } from '../../pipeline/endpoint.ts';
import { NatsConnection } from './connection.ts';
import type { NatsDeliveryOptions } from './delivery-options.ts';
import { messageOfCall } from './outgoing-message.ts';
import { publishFailure } from './publish-failure.ts';
import { subjectFault } from './subject.ts';

/**
 * Publishes each delivery as a message with the delivery's id, and counts it as delivered once a stream has acknowledged it. The stream
 * keeps only one of several messages with the same id within its duplicate window.
 */
export class NatsTransport implements Transport {
  readonly #options: NatsDeliveryOptions;
  readonly #connection: NatsConnection;

  constructor(options: NatsDeliveryOptions) {
    this.#options = options;
    this.#connection = new NatsConnection(options);
  }

  /**
   * Throws `MILL_INVALID_CONFIGURATION` if the client is missing. Connects to nothing yet: a server that is down only delays deliveries.
   */
  async open(): Promise<void> {
    await this.#connection.prepare();
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** The engine waits no longer than the signal allows; a message on its way may still arrive. */
  async call(call: OutgoingCall): Promise<Answer> {
    const { subject, headers = {}, cloudEvents = false, stream } = this.#options;
    const named: unknown = typeof subject === 'string' ? subject : subject(call);
    const fault = subjectFault(named);
    if (fault !== undefined) return { result: 'refused', reason: `subject: ${fault}` };
    const message = { ...messageOfCall(call, headers, cloudEvents), subject: String(named), id: call.id, stream };
    try {
      const connection = await this.#connection.connected();
      return { result: 'delivered', answer: await connection.publish(message) };
    } catch (error) {
      return publishFailure(error, message.subject);
    }
  }
}
