import type { Answer, OutgoingCall, Transport } from '../../pipeline/endpoint.ts';
import type { Inlet, InletEvent, InletRead, InletRecord, InletRequest, InletTopic } from '../../pipeline/inlet.ts';
import { decoderOf } from '../values.ts';
import { rethrowMissing } from './client.ts';
import { checkKafkaOptions, type KafkaOptions } from './kafka-options.ts';
import { TopicReader } from './topic-reader.ts';
import { TopicWriter } from './topic-writer.ts';

/** A Kafka topic, to take events from or to deliver to. */
export interface KafkaTopic extends Inlet, Transport {
  open(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects to a Kafka topic: takes events from it (`from`), each record once, or delivers to it (`to`), at least once under the delivery's
 * id. Needs the package `@platformatic/kafka`, which is loaded when the engine starts.
 *
 * ```ts
 * const brokers = 'localhost:9092';
 *
 * pipeline('orders', {
 *   event: Order,
 *   key: (order) => order.id,
 *   from: kafka({ brokers, topic: 'orders' }),
 *   deliver: { paid: { to: kafka({ brokers, topic: 'orders-paid' }), order: 'key', concurrency: 500 } },
 *   handle: (order, state, turn) => turn.deliver('paid', order),
 * });
 * ```
 *
 * Throws `MILL_INVALID_DECLARATION` for a wrong or unknown option.
 */
export function kafka(options: KafkaOptions): KafkaTopic {
  checkKafkaOptions(options);
  return new Topic(options);
}

class Topic implements KafkaTopic {
  readonly name: string;
  readonly acceptedTopicId: string | undefined;
  readonly mayLoseRecords: boolean | undefined;
  readonly #reader: TopicReader;
  readonly #writer: TopicWriter;
  readonly #decode: (record: InletRecord) => readonly InletEvent[];

  constructor(options: KafkaOptions) {
    this.name = `kafka:${options.topic}`;
    this.acceptedTopicId = options.acceptedTopicId;
    this.mayLoseRecords = options.mayLoseRecords;
    this.#reader = new TopicReader(options);
    this.#writer = new TopicWriter(options);
    this.#decode = decoderOf(options);
  }

  async open(): Promise<void> {
    await import('@platformatic/kafka').catch(rethrowMissing);
  }

  topic(signal: AbortSignal): Promise<InletTopic> {
    return this.#reader.topic(signal);
  }

  read(request: InletRequest, signal: AbortSignal): Promise<readonly InletRead[]> {
    return this.#reader.read(request, signal);
  }

  decode(record: InletRecord): readonly InletEvent[] {
    return this.#decode(record);
  }

  call(call: OutgoingCall, signal: AbortSignal): Promise<Answer> {
    return this.#writer.call(call, signal);
  }

  async close(): Promise<void> {
    await Promise.all([this.#reader.close(), this.#writer.close()]);
  }
}
