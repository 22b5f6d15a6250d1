import type { Consumer, JetStream } from './jet-stream.ts';
import type { PulledMessage, PullRequest } from './pull.ts';

/** Messages that are asked for at once. */
const messagesMax = 1_000;

/** Which messages of a stream are read. */
export interface StreamReaderOptions {
  readonly stream: string;
  /** Subjects of the messages; of all where there is none. */
  readonly subjects: readonly string[];
  /** When the stream was created that is meant: another one of its name is not read. */
  readonly created: string;
}

export interface StreamRequest {
  /** The first message that is read has this sequence or a higher one. */
  readonly from: number;
  readonly waitMs: number;
  readonly bytesMax: number;
}

/**
 * Reads a stream in the order of its sequences, over one connection. Its consumer gives out messages from where it was made; when somebody reads
 * elsewhere, or something has failed, another one is made. So where to read on is what the caller says, and nothing that the server keeps.
 */
export class StreamReader {
  readonly connection: JetStream;
  readonly options: StreamReaderOptions;
  /** The consumer, and the sequence that the next message it gives out has at least. */
  #consumer: (Consumer & { next: number }) | undefined;

  constructor(connection: JetStream, options: StreamReaderOptions) {
    this.connection = connection;
    this.options = options;
  }

  /** Returns the messages that are there, in their order; where there is none, it waits for the first. */
  async read(request: StreamRequest, signal: AbortSignal): Promise<readonly PulledMessage[]> {
    const { bytesMax, waitMs } = request;
    const present = await this.#pull(request, { batch: messagesMax, max_bytes: bytesMax, no_wait: true }, signal);
    if (present.messages.length > 0) return present.messages;
    const one = present.isTooLarge ? { batch: 1, no_wait: true } : { batch: 1, expires: waitMs * 1e6 };
    return (await this.#pull(request, one, signal)).messages;
  }

  /** How many messages there are behind those that were read; undefined before the first read. */
  async left(): Promise<{ readonly next: number; readonly pending: number } | undefined> {
    const consumer = this.#consumer;
    if (consumer === undefined) return undefined;
    return { next: consumer.next, pending: await this.connection.pendingOf(consumer) };
  }

  /** Has the server forget the consumer. */
  async close(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    // One that is not there, or cannot be removed now, goes by itself.
    await (consumer && this.connection.removeConsumer(consumer).catch(() => undefined));
  }

  async #pull(
    request: StreamRequest,
    asked: PullRequest,
    signal: AbortSignal,
  ): Promise<{ readonly messages: readonly PulledMessage[]; readonly isTooLarge: boolean }> {
    const { from } = request;
    const isNew = this.#consumer?.next !== from;
    if (isNew) await this.#begin(from);
    const consumer = this.#consumer as Consumer & { next: number };
    // Until its answer is here nobody knows what it gives out: a message may be on its way to somebody who does not wait any more.
    this.#consumer = undefined;
    const { messages, end, reason } = await this.connection.pull(consumer, asked, signal);
    if (end === 'broken' && messages.length === 0) {
      // The server has forgotten it while there was no room for more, or has restarted.
      if (!isNew) return this.#pull(request, asked, signal);
      throw new Error(`stream ${consumer.stream}: its consumer gives out no more: ${reason}`);
    }
    const last = messages.at(-1);
    if (end !== 'broken') this.#consumer = { ...consumer, next: last === undefined ? consumer.next : last.sequence + 1 };
    return { messages, isTooLarge: end === 'too large' };
  }

  async #begin(from: number): Promise<void> {
    await this.close();
    const { stream, subjects, created } = this.options;
    const consumer = await this.connection.addConsumer({ stream, from, subjects });
    // It is of the stream that was meant if that one is still there: it was there before, and no two of a name are there at once.
    const found = await this.connection.stream(stream);
    if (found.created !== created)
      throw new Error(`stream ${stream}: expected the one created at ${created}, found one created at ${found.created}`);
    this.#consumer = { ...consumer, next: from };
  }
}
