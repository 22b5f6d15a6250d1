import { messageOf } from '../../errors.ts';
import type { Inlet, InletEvent, InletRead, InletRecord, InletRequest, InletTopic } from '../../pipeline/inlet.ts';
import { decoderOf } from '../values.ts';
import { abortable } from './abortable.ts';
import { NatsConnection } from './connection.ts';
import { type NatsInletOptions, subjectsOf } from './inlet-options.ts';
import type { JetStream, StreamState } from './jet-stream.ts';
import { recordOf, withPlainAttributes } from './nats-record.ts';
import type { PulledMessage } from './pull.ts';
import { StreamReader } from './stream-reader.ts';

/**
 * A JetStream stream as a topic: it has one partition, whose offsets are the stream's sequences, and its id is its creation time. The key
 * of a record is its subject.
 */
export class NatsInlet implements Inlet {
  readonly name: string;
  readonly acceptedTopicId: string | undefined;
  readonly mayLoseRecords: boolean | undefined;
  readonly decode: (record: InletRecord) => readonly InletEvent[];
  readonly #options: NatsInletOptions;
  readonly #connection: NatsConnection;
  /** The creation time of the stream last found. */
  #created: string | undefined;
  #reader: StreamReader | undefined;

  constructor(options: NatsInletOptions) {
    this.name = `nats:${options.stream}`;
    this.acceptedTopicId = options.acceptedTopicId;
    this.mayLoseRecords = options.mayLoseRecords;
    const decode = decoderOf(options);
    this.decode = options.value === 'cloudevents' ? (record) => decode(withPlainAttributes(record)) : decode;
    this.#options = options;
    this.#connection = new NatsConnection(options);
  }

  async open(): Promise<void> {
    await this.#connection.prepare();
  }

  topic(signal: AbortSignal): Promise<InletTopic> {
    return abortable(signal, () => this.#topic());
  }

  read(request: InletRequest, signal: AbortSignal): Promise<readonly InletRead[]> {
    return abortable(signal, () => this.#read(request, signal));
  }

  async close(): Promise<void> {
    await this.#reader?.close();
    this.#reader = undefined;
    await this.#connection.close();
  }

  async #topic(): Promise<InletTopic> {
    const { created, firstSequence, lastSequence, retention } = await this.#streamOf(await this.#connection.connected());
    if (retention !== 'limits') {
      throw new Error(
        `stream ${this.#options.stream}: expected retention by limits, found ${retention}: its messages go when others have read them`,
      );
    }
    this.#created = created;
    const left = await this.#reader?.left().catch(() => undefined);
    // The last ones may have been deleted, or have other subjects. With others before them, another process may have read on meanwhile.
    const end = left?.pending === 0 && left.next <= lastSequence ? left.next : lastSequence + 1;
    return { id: created, partitions: [{ partition: 0, earliest: firstSequence, end }] };
  }

  async #read({ positions, waitMs, bytesMax }: InletRequest, signal: AbortSignal): Promise<readonly InletRead[]> {
    const from = positions.find(({ partition }) => partition === 0)?.offset;
    if (from === undefined) return [];
    const reader = await this.#readerOf(await this.#connection.connected());
    const messages = await reader.read({ from, waitMs, bytesMax }, signal);
    const last = messages.at(-1);
    if (last === undefined) return [];
    await this.#checkGaps(from, messages);
    const next = last.sequence + 1;
    return [{ partition: 0, records: messages.map(recordOf), next, end: next + last.pending }];
  }

  async #streamOf(connection: JetStream): Promise<StreamState> {
    const { stream } = this.#options;
    try {
      return await connection.stream(stream);
    } catch (error) {
      throw new Error(`stream ${stream}: ${messageOf(error)}`, { cause: error });
    }
  }

  async #readerOf(connection: JetStream): Promise<StreamReader> {
    const { stream } = this.#options;
    this.#created ??= (await this.#streamOf(connection)).created;
    const created = this.#created;
    const present = this.#reader;
    if (present?.connection === connection && present.options.created === created) return present;
    this.#reader = new StreamReader(connection, { stream, subjects: subjectsOf(this.#options), created });
    return this.#reader;
  }

  /**
   * Sequences without a message were deleted individually, or have other subjects, unless the stream begins after them: then its limits
   * have removed unread messages.
   */
  async #checkGaps(from: number, messages: readonly PulledMessage[]): Promise<void> {
    const last = messages.at(-1)?.sequence ?? from;
    if (this.mayLoseRecords === true || last - from + 1 === messages.length) return;
    const { firstSequence } = await this.#streamOf(await this.#connection.connected());
    const gap = messages.findIndex(({ sequence }, at) => sequence !== from + at);
    if (firstSequence > from + gap)
      throw new Error(`stream ${this.#options.stream}: messages from ${from + gap} on have gone before they were read`);
  }
}
