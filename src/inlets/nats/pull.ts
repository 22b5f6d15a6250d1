import { addAbortListener } from 'node:events';

/** A request to a consumer, in the server's form. `expires` is in nanoseconds. */
export interface PullRequest {
  readonly batch: number;
  readonly max_bytes?: number;
  readonly no_wait?: boolean;
  readonly expires?: number;
}

/** A message of a stream. */
export interface PulledMessage {
  readonly sequence: number;
  /** When the stream stored it, in milliseconds since 1970. */
  readonly timestamp: number;
  /** Messages that the consumer has not delivered yet. */
  readonly pending: number;
  readonly subject: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/**
 * The result of a pull.
 *
 * - `served`: as many messages as requested, or all there are.
 * - `too large`: the next message exceeds the requested bytes.
 * - `broken`: the consumer delivers no more; the messages delivered are valid.
 */
export interface Pulled {
  readonly messages: readonly PulledMessage[];
  readonly end: 'served' | 'too large' | 'broken';
  /** The server's reason, if `broken`. */
  readonly reason: string;
}

/** The client's form of a message: from the stream, or a status from the server. */
interface RawMessage {
  readonly subject: string;
  readonly reply?: string;
  readonly data: Uint8Array;
  readonly headers?: Iterable<[string, string[]]> & { readonly code: number; readonly description: string };
}

/** The parts of a connection that a pull needs. */
export interface PullConnection {
  publish(subject: string, payload: string, options: { readonly reply: string }): void;
  subscribe(subject: string, options: { callback(error: Error | null, message: RawMessage): void }): { unsubscribe(): void };
}

export interface PullPlace {
  /** The subject for requests to the consumer. */
  readonly subject: string;
  /** The private subject for its answers. */
  readonly inbox: string;
}

/** Extra time for a server's answer, in milliseconds. */
const lateMsMax = 5_000;

/**
 * Requests messages from a consumer once. The client's own `fetch` cannot take the available ones without waiting for more, and throws if
 * the stream has more than the requested bytes. Throws if there is no answer, and a signal's reason.
 */
export async function pull(
  connection: PullConnection,
  { subject, inbox }: PullPlace,
  request: PullRequest,
  signals: readonly AbortSignal[],
): Promise<Pulled> {
  const messages: PulledMessage[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Pick<Pulled, 'end' | 'reason'>>();
  const subscription = connection.subscribe(inbox, {
    callback(error, message) {
      if (error !== null) return reject(error);
      const isStatus = message.headers !== undefined && message.headers.code !== 0;
      if (isStatus) return resolve(endOf(message.headers.code, message.headers.description));
      messages.push(pulledMessage(message));
      if (messages.length === request.batch) resolve({ end: 'served', reason: '' });
    },
  });
  const timer = setTimeout(() => reject(new Error('no server of NATS answers')), (request.expires ?? 0) / 1e6 + lateMsMax);
  using listeners = new DisposableStack();
  for (const signal of signals) listeners.use(addAbortListener(signal, () => reject(signal.reason)));
  try {
    connection.publish(subject, JSON.stringify(request), { reply: inbox });
    return { messages, ...(await promise) };
  } finally {
    clearTimeout(timer);
    subscription.unsubscribe();
  }
}

function endOf(code: number, description: string): Pick<Pulled, 'end' | 'reason'> {
  // 404: no messages. 408: the time is over, or everything available at once was delivered.
  if (code === 404 || code === 408) return { end: 'served', reason: '' };
  if (code === 409 && /message size exceeds maxbytes/i.test(description)) return { end: 'too large', reason: '' };
  return { end: 'broken', reason: `${code} ${description}` };
}

/**
 * The place and time of a message are in the subject of its acknowledgement:
 * `$JS.ACK.….<stream sequence>.<delivery sequence>.<nanoseconds>.<pending>`.
 */
function pulledMessage({ subject, reply = '', data, headers }: RawMessage): PulledMessage {
  const tokens = reply.split('.');
  const [sequence, , nanoseconds, pending] = tokens.slice(tokens.length === oldTokens ? 5 : 7).map(Number);
  if (sequence === undefined || nanoseconds === undefined || pending === undefined)
    throw new Error(`expected a message of a stream, found ${reply}`);
  return {
    sequence,
    timestamp: Math.floor(nanoseconds / 1e6),
    pending,
    subject,
    headers: Array.from(headers ?? []).flatMap(([name, values]) => values.map((value) => [name, value] as const)),
    body: data,
  };
}

/** Number of tokens from servers that include neither domain nor account. */
const oldTokens = 9;
