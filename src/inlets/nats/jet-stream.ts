import { readFile } from 'node:fs/promises';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection as Connection, NodeConnectionOptions } from '@nats-io/transport-node';
import type { NatsConnectionOptions } from './connection-options.ts';
import { rethrowMissing } from './missing-client.ts';
import { type Pulled, type PullRequest, pull } from './pull.ts';

/** How long connecting to one server may take, in milliseconds. */
const connectMsMax = 5_000;
/** A server is asked this often, in milliseconds, whether it is there; one that has not answered two times is gone. */
const pingMs = 5_000;
/** How long a server may take to acknowledge a message, in milliseconds, where the endpoint allows for more. */
const acknowledgedMsMax = 60_000;
/** How long the server keeps a consumer that nobody asks, in nanoseconds: one of a process that has died, or that has no room for more. */
const consumerIdleNs = 60e9;

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

/** A stream as the server has it now. */
export interface StreamState {
  /** When it was created, which tells it from another one of its name. */
  readonly created: string;
  /** That of the first message that can be read; behind the last one where there is none. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** What makes messages go: `limits`, or that somebody else has read them. */
  readonly retention: string;
}

/** What a consumer gives out. */
export interface ConsumerOptions {
  readonly stream: string;
  /** The first message that it gives out has this sequence or a higher one. */
  readonly from: number;
  /** Subjects of its messages; of all where there is none. */
  readonly subjects: readonly string[];
}

/** A consumer of ours, which the server forgets when nobody has asked it for long. */
export interface Consumer {
  readonly stream: string;
  readonly name: string;
}

/**
 * A connection to a NATS server, and what is done over it. It is never connected anew: when it ends, whatever was asked on it fails at
 * once, and nothing of that is sent later, after messages that are newer.
 */
export class JetStream {
  /** Resolves once the connection is no longer there, for whatever reason. */
  readonly ended: Promise<void>;
  readonly #ending = new AbortController();
  readonly #connection: Connection;
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #packages: Packages;

  private constructor(connection: Connection, client: JetStreamClient, manager: JetStreamManager, packages: Packages) {
    this.ended = connection.closed().then(() => this.#ending.abort(new Error('the connection to NATS has ended')));
    this.#connection = connection;
    this.#client = client;
    this.#manager = manager;
    this.#packages = packages;
  }

  /** Loads the client. Throws `MILL_INVALID_CONFIGURATION` where the packages are missing. */
  static async load(): Promise<void> {
    await loadClient();
  }

  /** Throws as {@link load} does, and what connecting fails with. */
  static async connect(options: NatsConnectionOptions): Promise<JetStream> {
    const packages = await loadClient();
    const { transport, jetstream } = packages;
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
    const inDomain = options.domain === undefined ? {} : { domain: options.domain };
    // Whether JetStream is enabled each call finds out; one without a right to ask for it in general may well use a stream.
    const manager = await jetstream.jetstreamManager(connection, { checkAPI: false, ...inDomain });
    return new JetStream(connection, jetstream.jetstream(connection, { ...inDomain }), manager, packages);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** Resolves once the stream has acknowledged the message. */
  async publish({ subject, body, headers, id, stream }: OutgoingMessage): Promise<Published> {
    const made = this.#packages.transport.headers();
    for (const [name, value] of Object.entries(headers)) made.set(name, value);
    const expect = stream === undefined ? {} : { expect: { streamName: stream } };
    const published = await this.#client.publish(subject, body, { msgID: id, headers: made, timeout: acknowledgedMsMax, ...expect });
    return { stream: published.stream, sequence: published.seq, duplicate: published.duplicate };
  }

  /** Throws where there is no such stream. */
  async stream(name: string): Promise<StreamState> {
    const { created, config, state } = await this.#manager.streams.info(name);
    // Of a stream that was never written to the first sequence is 0.
    return { created, retention: config.retention, firstSequence: Math.max(1, state.first_seq), lastSequence: state.last_seq };
  }

  /** Makes a consumer without acknowledgements: how far it is read only its owner knows. */
  async addConsumer({ stream, from, subjects }: ConsumerOptions): Promise<Consumer> {
    const { AckPolicy, DeliverPolicy } = this.#packages.jetstream;
    const { name } = await this.#manager.consumers.add(stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: from,
      ack_policy: AckPolicy.None,
      inactive_threshold: consumerIdleNs,
      mem_storage: true,
      num_replicas: 1,
      ...(subjects.length > 0 && { filter_subjects: [...subjects] }),
    });
    return { stream, name };
  }

  /** Messages that a consumer has not given out yet. */
  async pendingOf({ stream, name }: Consumer): Promise<number> {
    return (await this.#manager.consumers.info(stream, name)).num_pending;
  }

  async removeConsumer({ stream, name }: Consumer): Promise<void> {
    await this.#manager.consumers.delete(stream, name);
  }

  /** Asks a consumer for messages. Throws what {@link pull} throws, and when the connection ends. */
  async pull({ stream, name }: Consumer, request: PullRequest, signal: AbortSignal): Promise<Pulled> {
    const { apiPrefix } = this.#client;
    const place = { subject: `${apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${name}`, inbox: this.#packages.transport.createInbox() };
    return pull(this.#connection, place, request, [signal, this.#ending.signal]);
  }
}

type Packages = Awaited<ReturnType<typeof loadClient>>;

/** The packages of NATS, which a program has that uses it. */
async function loadClient() {
  const [transport, jetstream] = await Promise.all([import('@nats-io/transport-node'), import('@nats-io/jetstream')]).catch(rethrowMissing);
  return { transport, jetstream };
}

/** What tells the server who connects. */
async function identityOf(
  { user, password, token, nkey, credsFile }: NatsConnectionOptions,
  transport: Packages['transport'],
): Promise<Pick<NodeConnectionOptions, 'authenticator'>> {
  if (user !== undefined) return { authenticator: transport.usernamePasswordAuthenticator(user, password) };
  if (token !== undefined) return { authenticator: transport.tokenAuthenticator(token) };
  if (nkey !== undefined) return { authenticator: transport.nkeyAuthenticator(new TextEncoder().encode(nkey.trim())) };
  if (credsFile !== undefined) return { authenticator: transport.credsAuthenticator(new Uint8Array(await readFile(credsFile))) };
  return {};
}
