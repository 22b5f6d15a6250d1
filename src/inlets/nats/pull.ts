import { addAbortListener } from 'node:events';

/** What is asked of a consumer, as the server has it. `expires` is in nanoseconds. */
export interface PullRequest {
  readonly batch: number;
  readonly max_bytes?: number;
  readonly no_wait?: boolean;
  readonly expires?: number;
}

/** A message of a stream. */
export interface PulledMessage {
  readonly sequence: number;
  /** When the stream took it, in milliseconds since 1970. */
  readonly timestamp: number;
  /** Messages that the consumer has not given out yet. */
  readonly pending: number;
  readonly subject: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/**
 * What came of a pull.
 *
 * - `served`: as many messages as were asked for, or all there are.
 * - `too large`: the next message has more bytes than were asked for.
 * - `broken`: the consumer gives out no more; what it has given out is right.
 */
export interface Pulled {
  readonly messages: readonly PulledMessage[];
  readonly end: 'served' | 'too large' | 'broken';
  /** What the server says where it is `broken`. */
  readonly reason: string;
}

/** A message as the client has it: of the stream, or a status of the server. */
interface RawMessage {
  readonly subject: string;
  readonly reply?: string;
  readonly data: Uint8Array;
  readonly headers?: Iterable<[string, string[]]> & { readonly code: number; readonly description: string };
}

/** What of a connection a pull needs. */
export interface PullConnection {
  publish(subject: string, payload: string, options: { readonly reply: string }): void;
  subscribe(subject: string, options: { callback(error: Error | null, message: RawMessage): void }): { unsubscribe(): void };
}

export interface PullPlace {
  /** The subject that the consumer is asked under. */
  readonly subject: string;
  /** The subject, of nobody else, that it answers to. */
  readonly inbox: string;
}

/** How much later than it was told to a server may answer, in milliseconds. */
const lateMsMax = 5_000;

/**
 * Asks a consumer for messages once. The client's own `fetch` cannot take what is there without waiting for more, and throws where the stream has
 * more than the bytes that were asked for. Throws when there is no answer, and the reason of a signal.
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
  // 404: no messages. 408: the time is over, or all that could be given out at once has been.
  if (code === 404 || code === 408) return { end: 'served', reason: '' };
  if (code === 409 && /message size exceeds maxbytes/i.test(description)) return { end: 'too large', reason: '' };
  return { end: 'broken', reason: `${code} ${description}` };
}

/** Where and when a message was stored stands in the subject of its acknowledgement: `$JS.ACK.….<stream sequence>.<delivery sequence>.<nanoseconds>.<pending>`. */
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

/** Tokens of servers that put neither domain nor account into it. */
const oldTokens = 9;
