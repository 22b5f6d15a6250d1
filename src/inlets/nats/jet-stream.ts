import { readFile } from 'node:fs/promises';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection as Connection, NodeConnectionOptions } from '@nats-io/transport-node';
import type { NatsConnectionOptions } from './connection-options.ts';
import { rethrowMissing } from './missing-client.ts';
import { type Pulled, type PullRequest, pull } from './pull.ts';

/** Time limit for connecting to one server, in milliseconds. */
const connectMsMax = 5_000;
/** Interval of pings to a server, in milliseconds; after two unanswered ones it counts as gone. */
const pingMs = 5_000;
/** Maximum time for a server to acknowledge a message, in milliseconds, even if the endpoint allows more. */
const acknowledgedMsMax = 60_000;
/** Time for which the server keeps an idle consumer, in nanoseconds: its process may have died, or have no room for more. */
const consumerIdleNs = 60e9;

export interface OutgoingMessage {
  readonly subject: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The id by which the stream recognises a repeated message within its duplicate window. */
  readonly id: string;
  /** The stream that must accept it; by default whichever has the subject. */
  readonly stream: string | undefined;
}

/** The place of a message. */
export interface Published {
  readonly stream: string;
  readonly sequence: number;
  /** True if the stream already had a message with this id, and has not stored a second one. */
  readonly duplicate: boolean;
}

/** A stream in its present state on the server. */
export interface StreamState {
  /** Its creation time, which distinguishes it from others of the same name. */
  readonly created: string;
  /** The sequence of the first readable message; after the last one if there is none. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** The retention policy: `limits`, or deletion once others have read a message. */
  readonly retention: string;
}

/** The messages that a consumer delivers. */
export interface ConsumerOptions {
  readonly stream: string;
  /** The lowest sequence it delivers. */
  readonly from: number;
  /** Subjects of its messages; empty for all. */
  readonly subjects: readonly string[];
}

/** One of our consumers, which the server deletes after a long idle time. */
export interface Consumer {
  readonly stream: string;
  readonly name: string;
}

/**
 * A connection to a NATS server, and the operations over it. It never reconnects: when it ends, everything pending on it fails at once, and
 * none of that is sent later, after newer messages.
 */
export class JetStream {
  /** Resolves once the connection is gone, for whatever reason. */
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

  /** Loads the client. Throws `MILL_INVALID_CONFIGURATION` if the packages are missing. */
  static async load(): Promise<void> {
    await loadClient();
  }

  /** Throws like {@link load}, and connection failures. */
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
    // Each call finds out whether JetStream is enabled; a user without permission to ask in general may still use a stream.
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

  /** Throws if there is no such stream. */
  async stream(name: string): Promise<StreamState> {
    const { created, config, state } = await this.#manager.streams.info(name);
    // The first sequence of a stream that was never written to is 0.
    return { created, retention: config.retention, firstSequence: Math.max(1, state.first_seq), lastSequence: state.last_seq };
  }

  /** Creates a consumer without acknowledgements: only its owner knows how far it has read. */
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

  /** Returns the messages that a consumer has not delivered yet. */
  async pendingOf({ stream, name }: Consumer): Promise<number> {
    return (await this.#manager.consumers.info(stream, name)).num_pending;
  }

  async removeConsumer({ stream, name }: Consumer): Promise<void> {
    await this.#manager.consumers.delete(stream, name);
  }

  /** Requests messages from a consumer. Throws what {@link pull} throws, and when the connection ends. */
  async pull({ stream, name }: Consumer, request: PullRequest, signal: AbortSignal): Promise<Pulled> {
    const { apiPrefix } = this.#client;
    const place = { subject: `${apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${name}`, inbox: this.#packages.transport.createInbox() };
    return pull(this.#connection, place, request, [signal, this.#ending.signal]);
  }
}

type Packages = Awaited<ReturnType<typeof loadClient>>;

/** Loads the NATS packages, which a program that uses NATS installs. */
async function loadClient() {
  const [transport, jetstream] = await Promise.all([import('@nats-io/transport-node'), import('@nats-io/jetstream')]).catch(rethrowMissing);
  return { transport, jetstream };
}

/** Returns the credentials for the server. */
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
