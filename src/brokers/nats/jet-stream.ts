import { readFile } from 'node:fs/promises';
import type { JetStreamClient } from '@nats-io/jetstream';
import type { NatsConnection as Connection, NodeConnectionOptions } from '@nats-io/transport-node';
import type { NatsConnectionOptions } from './connection-options.ts';
import { rethrowMissing } from './missing-client.ts';

/** How long connecting to one server may take, in milliseconds. */
const connectMsMax = 5_000;
/** A server is asked this often, in milliseconds, whether it is there; one that has not answered two times is gone. */
const pingMs = 5_000;
/** How long a server may take to acknowledge a message, in milliseconds, where the endpoint allows for more. */
const acknowledgedMsMax = 60_000;

export interface OutgoingMessage {
  readonly subject: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** By which the stream recognises the message when it comes again within its duplicate window. */
  readonly id: string;
  /** The stream that must take it; by default whichever has the subject. */
  readonly stream: string | undefined;
}

/** Where a message is. */
export interface Published {
  readonly stream: string;
  readonly sequence: number;
  /** The stream had a message of this id already, and has taken no second one. */
  readonly duplicate: boolean;
}

/**
 * A connection to a NATS server, and what is done over it. It is never connected anew: when it ends, whatever was asked on it fails at
 * once, and nothing of that is sent later, after messages that are newer.
 */
export class JetStream {
  /** Resolves once the connection is no longer there, for whatever reason. */
  readonly ended: Promise<void>;
  readonly #connection: Connection;
  readonly #client: JetStreamClient;
  readonly #makeHeaders: typeof import('@nats-io/transport-node').headers;

  private constructor(connection: Connection, client: JetStreamClient, makeHeaders: typeof import('@nats-io/transport-node').headers) {
    this.ended = connection.closed().then(() => undefined);
    this.#connection = connection;
    this.#client = client;
    this.#makeHeaders = makeHeaders;
  }

  /** Loads the client. Throws `MILL_INVALID_CONFIGURATION` where the packages are missing. */
  static async load(): Promise<void> {
    await loadClient();
  }

  /** Throws as {@link load} does, and what connecting fails with. */
  static async connect(options: NatsConnectionOptions): Promise<JetStream> {
    const { transport, jetstream } = await loadClient();
    const connection = await transport.connect({
      ...(await identityOf(options, transport)),
      servers: typeof options.servers === 'string' ? options.servers : [...options.servers],
      ...(options.tls !== undefined && { tls: options.tls === true ? {} : options.tls }),
      name: 'millrace',
      reconnect: false,
      timeout: connectMsMax,
      pingInterval: pingMs,
      noAsyncTraces: true,
    });
    const client = jetstream.jetstream(connection, options.domain === undefined ? {} : { domain: options.domain });
    return new JetStream(connection, client, transport.headers);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** Resolves once the stream has acknowledged the message. */
  async publish({ subject, body, headers, id, stream }: OutgoingMessage): Promise<Published> {
    const made = this.#makeHeaders();
    for (const [name, value] of Object.entries(headers)) made.set(name, value);
    const expect = stream === undefined ? {} : { expect: { streamName: stream } };
    const published = await this.#client.publish(subject, body, { msgID: id, headers: made, timeout: acknowledgedMsMax, ...expect });
    return { stream: published.stream, sequence: published.seq, duplicate: published.duplicate };
  }
}

/** The packages of NATS, which a program has that uses it. */
async function loadClient() {
  const [transport, jetstream] = await Promise.all([import('@nats-io/transport-node'), import('@nats-io/jetstream')]).catch(rethrowMissing);
  return { transport, jetstream };
}

/** What tells the server who connects. */
async function identityOf(
  { user, password, token, nkey, credsFile }: NatsConnectionOptions,
  transport: typeof import('@nats-io/transport-node'),
): Promise<Pick<NodeConnectionOptions, 'authenticator'>> {
  if (user !== undefined) return { authenticator: transport.usernamePasswordAuthenticator(user, password) };
  if (token !== undefined) return { authenticator: transport.tokenAuthenticator(token) };
  if (nkey !== undefined) return { authenticator: transport.nkeyAuthenticator(new TextEncoder().encode(nkey.trim())) };
  if (credsFile !== undefined) return { authenticator: transport.credsAuthenticator(new Uint8Array(await readFile(credsFile))) };
  return {};
}
