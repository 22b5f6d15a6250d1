import type { NatsConnectionOptions } from './connection-options.ts';
import { JetStream } from './jet-stream.ts';

/** The only connection of a transport or an inlet: made at its first use, and again at the next use after it has ended. */
export class NatsConnection {
  readonly #options: NatsConnectionOptions;
  #current: Promise<JetStream> | undefined;

  constructor(options: NatsConnectionOptions) {
    this.#options = options;
  }

  /** Loads the client. Throws `MILL_INVALID_CONFIGURATION` if it is missing. */
  async prepare(): Promise<void> {
    await JetStream.load();
  }

  /** Throws a connection failure to all callers waiting for it. */
  connected(): Promise<JetStream> {
    this.#current ??= this.#connect();
    return this.#current;
  }

  async close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.then(
      (connection) => connection.close(),
      () => undefined,
    );
  }

  #connect(): Promise<JetStream> {
    const connecting = JetStream.connect(this.#options);
    const forget = () => {
      if (this.#current === connecting) this.#current = undefined;
    };
    connecting.then(({ ended }) => ended.then(forget), forget);
    return connecting;
  }
}
