import type { Consumer, JetStream } from './jet-stream.ts';
import type { PulledMessage, PullRequest } from './pull.ts';

/** Messages requested at once. */
const messagesMax = 1_000;

/** Selects messages of a stream. */
export interface StreamReaderOptions {
  readonly stream: string;
  /** Subjects of the messages; empty for all. */
  readonly subjects: readonly string[];
  /** The creation time of the intended stream: another one of its name is not read. */
  readonly created: string;
}

export interface StreamRequest {
  /** The lowest sequence to read. */
  readonly from: number;
  readonly waitMs: number;
  readonly bytesMax: number;
}

/**
 * Reads a stream in sequence order over one connection. Its consumer delivers messages from a starting point; for reading elsewhere, or
 * after a failure, a new one is created. So the caller decides where to read, and nothing depends on the server's bookkeeping.
 */
export class StreamReader {
  readonly connection: JetStream;
  readonly options: StreamReaderOptions;
  /** The consumer, and the minimum sequence of its next message. */
  #consumer: (Consumer & { next: number }) | undefined;

  constructor(connection: JetStream, options: StreamReaderOptions) {
    this.connection = connection;
    this.options = options;
  }

  /** Returns the available messages in order; if there are none, waits for the first. */
  async read(request: StreamRequest, signal: AbortSignal): Promise<readonly PulledMessage[]> {
    const { bytesMax, waitMs } = request;
    const present = await this.#pull(request, { batch: messagesMax, max_bytes: bytesMax, no_wait: true }, signal);
    if (present.messages.length > 0) return present.messages;
    const one = present.isTooLarge ? { batch: 1, no_wait: true } : { batch: 1, expires: waitMs * 1e6 };
    return (await this.#pull(request, one, signal)).messages;
  }

  /** Returns how many messages follow those read; undefined before the first read. */
  async left(): Promise<{ readonly next: number; readonly pending: number } | undefined> {
    const consumer = this.#consumer;
    if (consumer === undefined) return undefined;
    return { next: consumer.next, pending: await this.connection.pendingOf(consumer) };
  }

  /** Makes the server delete the consumer. */
  async close(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    // A missing one, or one that cannot be removed now, expires by itself.
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
    // Until its answer arrives its position is unknown: a message may be on its way to a caller who no longer waits.
    this.#consumer = undefined;
    const { messages, end, reason } = await this.connection.pull(consumer, asked, signal);
    if (end === 'broken' && messages.length === 0) {
      // The server has deleted it while there was no room for more, or has restarted.
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
    // It belongs to the intended stream if that one still exists: it existed before, and two of one name never coexist.
    const found = await this.connection.stream(stream);
    if (found.created !== created)
      throw new Error(`stream ${stream}: expected the one created at ${created}, found one created at ${found.created}`);
    this.#consumer = { ...consumer, next: from };
  }
}
