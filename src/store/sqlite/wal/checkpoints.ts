import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { ConnectionOptions } from '../file/open-database.ts';
import type { CheckpointThreadOptions } from '../threads/checkpoint-thread.ts';
import { Thread } from '../threads/thread.ts';

/**
 * The main thread's end of the thread that copies the write-ahead log into the database. The writer's first request for a copy starts it,
 * so a store that hardly writes has none. If it dies, a warning is logged, and commits do the copying themselves.
 */
export class Checkpoints {
  /** The writer's channel for requests. */
  readonly writerPort: MessagePort;
  readonly #port: MessagePort;
  #thread: Thread<object> | undefined;
  #isClosing = false;

  constructor(connection: ConnectionOptions) {
    const { port1, port2 } = new MessageChannel();
    this.writerPort = port1;
    this.#port = port2;
    port2.once('message', () => this.#start(connection));
    // Alone it keeps no process alive.
    port2.unref();
  }

  /** Lets it finish the copy under way. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#port.close();
    await this.#thread?.close();
  }

  #start(connection: ConnectionOptions): void {
    const options = { ...connection, port: this.#port } satisfies CheckpointThreadOptions;
    this.#thread = new Thread('checkpoint-thread', options, { transferList: [this.#port] });
    void this.#thread.exited.then((error) => {
      if (!this.#isClosing) process.emitWarning(error);
    });
  }
}
