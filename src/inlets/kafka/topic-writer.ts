import type { Answer, OutgoingCall } from '../../pipeline/endpoint.ts';
import { clientOptions, keepErrors, reasonOf, rethrowMissing } from './client.ts';
import type { KafkaOptions, KafkaPartitioner } from './kafka-options.ts';
import { type OutgoingRecord, recordOf } from './outgoing-record.ts';

/** Limits of one request: records, and their bytes. A single record may be larger. */
const requestMax = { records: 1_000, bytes: 768 * 1024 };

/** A delivery waiting for its request. */
interface Waiting {
  readonly record: OutgoingRecord;
  readonly answer: (answer: Answer) => void;
}

type Kafka = typeof import('@platformatic/kafka');
type Producer = InstanceType<Kafka['Producer']>;

/**
 * Writes deliveries to a topic with an idempotent producer. Those that arrive during a request go out together in the next one, in order of
 * arrival; at most one request is pending, so a key's order is kept.
 */
export class TopicWriter {
  readonly #options: KafkaOptions;
  readonly #waiting: Waiting[] = [];
  #producer: Producer | undefined;
  #murmur2: Kafka['murmur2'] | undefined;
  #isSending = false;

  constructor(options: KafkaOptions) {
    this.#options = options;
  }

  /** Resolves when the broker has acknowledged the delivery, or has not. */
  call(call: OutgoingCall, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const waiting = { record: recordOf(call, this.#options), answer: resolve };
      signal.addEventListener(
        'abort',
        () => {
          const at = this.#waiting.indexOf(waiting);
          if (at >= 0) this.#waiting.splice(at, 1);
          reject(signal.reason);
        },
        { once: true },
      );
      this.#waiting.push(waiting);
      if (!this.#isSending) void this.#sendAll();
    });
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close(true);
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    // Deliveries of one turn of the event loop go together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#send(this.#takeRequest());
    this.#isSending = false;
  }

  #takeRequest(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#waiting) {
      bytes += record.bytes;
      if (count > 0 && (bytes > requestMax.bytes || count === requestMax.records)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #send(request: readonly Waiting[]): Promise<void> {
    try {
      const places = await this.#produce(request.map(({ record }) => record));
      for (const [at, { answer }] of request.entries()) answer({ result: 'delivered', answer: places[at] });
    } catch (thrown) {
      const isTooLarge = hasApiId(thrown, 'MESSAGE_TOO_LARGE') || hasApiId(thrown, 'RECORD_LIST_TOO_LARGE');
      // One of them may be too large, and the others need not wait for it.
      if (isTooLarge && request.length > 1) {
        for (const waiting of request) await this.#send([waiting]);
        return;
      }
      const reason = `kafka ${this.#options.topic}: ${reasonOf(thrown)}`;
      const answer: Answer = isTooLarge ? { result: 'refused', reason, cause: thrown } : { result: 'failed', reason, cause: thrown };
      for (const waiting of request) waiting.answer(answer);
    }
  }

  /** Returns the new place of each record. */
  async #produce(records: readonly OutgoingRecord[]): Promise<readonly { readonly partition: number; readonly offset: number }[]> {
    const { topic } = this.#options;
    const producer = await this.#connected();
    const { partitionsCount = 0 } = (await producer.metadata({ topics: [topic] })).topics.get(topic) ?? {};
    if (partitionsCount === 0) throw new Error(`expected a topic ${topic}, found none`);
    const partitions = records.map(({ key }) => this.#partitioner(key, partitionsCount));
    const messages = records.map(({ key, value, headers }, at) => ({
      topic,
      partition: partitions[at] as number,
      value,
      headers,
      ...(key !== null && { key }),
    }));
    const { offsets = [] } = await producer.send({ messages });
    const next = new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
    return partitions.map((partition) => {
      const offset = next.get(partition) ?? -1;
      next.set(partition, offset + 1);
      return { partition, offset };
    });
  }

  get #partitioner(): KafkaPartitioner {
    const { partitioner = 'murmur2' } = this.#options;
    if (partitioner !== 'murmur2') return partitioner;
    // Like Java's clients; a record without a key may go anywhere.
    return (key, partitions) =>
      key === null ? Math.floor(Math.random() * partitions) : ((this.#murmur2?.(Buffer.from(key)) ?? 0) & 0x7fff_ffff) % partitions;
  }

  async #connected(): Promise<Producer> {
    if (this.#producer === undefined) {
      const { Producer, ProduceAcks, murmur2 } = await import('@platformatic/kafka').catch(rethrowMissing);
      this.#murmur2 = murmur2;
      this.#producer ??= new Producer({ ...clientOptions(this.#options), idempotent: true, acks: ProduceAcks.ALL });
      keepErrors(this.#producer);
    }
    return this.#producer;
  }
}

/** Returns whether the broker answered with an error, however the client wraps it. @param apiId the error's name in Kafka's protocol */
function hasApiId(thrown: unknown, apiId: string): boolean {
  if (!(thrown instanceof Error)) return false;
  if ('apiId' in thrown && thrown.apiId === apiId) return true;
  if (thrown instanceof AggregateError && thrown.errors.some((error) => hasApiId(error, apiId))) return true;
  return hasApiId(thrown.cause, apiId);
}
