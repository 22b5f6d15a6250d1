import type { LookupFunction } from 'node:net';
import { messageOf } from '../errors.ts';
import { invalid } from '../pipeline/check.ts';
import type { Answer, OutgoingCall, Transport, TransportLogger } from '../pipeline/endpoint.ts';
import { version } from '../version.ts';
import { type AddressGuard, addressGuard } from './address-guard.ts';
import { checkHttpOptions } from './check-http-options.ts';
import { Circuit, type CircuitStatus } from './circuit.ts';
import type { Connections } from './connections.ts';
import type { Exchange } from './exchange.ts';
import type { HttpOptions } from './http-options.ts';
import { isHttp, notHttp } from './http-urls.ts';
import { credentialsOf, resolveHeaders } from './own-headers.ts';
import { type HttpResponse, type Judge, judgeWebhook } from './response.ts';
import { type Signer, signer } from './signature.ts';

/** A transport over HTTP. */
export interface HttpTransport extends Transport {
  /** The status of the circuit for `url`. */
  readonly circuit: CircuitStatus;
}

/**
 * Delivers over HTTP: one request per call, signed if there is a secret.
 *
 * ```ts
 * pipeline('orders', {
 *   event: Order,
 *   deliver: { shop: { to: http({ url: 'https://shop.example/hooks', secret }) } },
 *   handle: (order, state, turn) => turn.deliver('shop', { type: 'order.paid', timestamp: order.paidAt, data: order }),
 * });
 * ```
 *
 * Throws `MILL_INVALID_DECLARATION`, naming the option, the expected value and, unless it may be a secret, the one found.
 */
export function http(options: HttpOptions = {}): HttpTransport {
  checkHttpOptions(options);
  return new Http(options);
}

const silentLogger: TransportLogger = { info() {}, warn() {} };

/** Loads the sender and its HTTP client, which takes as long as a quarter of everything else: many processes send nothing. */
async function loadClient() {
  const [{ connections }, { exchange }] = await Promise.all([import('./connections.ts'), import('./exchange.ts')]);
  return { connections, exchange };
}

type HttpClient = Awaited<ReturnType<typeof loadClient>>;

class Http implements HttpTransport {
  readonly #url: URL | undefined;
  readonly #method: 'POST' | 'PUT';
  readonly #headers: Readonly<Record<string, string>>;
  readonly #body: (call: OutgoingCall) => string;
  readonly #sign: Signer;
  readonly #judge: Judge;
  readonly #redirects: number;
  readonly #guard: AddressGuard;
  readonly #lookup: LookupFunction | undefined;
  readonly #circuit: Circuit | undefined;
  #client: HttpClient | undefined;
  #log = silentLogger;
  /** True if the last call could not be sent for lack of a local resource. */
  #isShort = false;
  /** To the origin of `url`. Made when first needed, even after a close: a stopped engine may start again. */
  #trusted: Connections | undefined;
  /** To everywhere else. No connection is in both, so none to a private address serves a call whose address came from data. */
  #guarded: Connections | undefined;

  constructor(options: HttpOptions) {
    const { method = 'POST', secret = [], redirects = 0, circuit = {} } = options;
    this.#url = options.url === undefined ? undefined : readUrl(options.url);
    this.#method = method;
    this.#headers = resolveHeaders(options.headers ?? {});
    this.#body = options.body ?? ((call) => call.body);
    this.#sign = signer(typeof secret === 'string' ? [secret] : secret);
    this.#judge = options.judge ?? judgeWebhook;
    this.#redirects = redirects;
    this.#guard = addressGuard(options.allow);
    this.#lookup = options.lookup;
    this.#circuit = circuit === false || this.#url === undefined ? undefined : new Circuit(circuit, this.#url.origin, () => this.#log);
  }

  get circuit(): CircuitStatus {
    return this.#circuit?.status ?? 'closed';
  }

  /** Loads the client now: by the first call there may be no file descriptor left. */
  async open(log: TransportLogger): Promise<void> {
    this.#log = log;
    await this.#loaded();
  }

  async close(): Promise<void> {
    const open = [this.#trusted, this.#guarded];
    this.#trusted = this.#guarded = undefined;
    await Promise.all(open.map((connections) => connections?.close()));
  }

  /** Returns the origin of an address that came from data. All other calls share the endpoint's address. */
  address({ url }: Pick<OutgoingCall, 'url'>): string | undefined {
    const parsed = url === undefined ? null : URL.parse(url);
    return parsed !== null && isHttp(parsed) ? parsed.origin : undefined;
  }

  async call(call: OutgoingCall, signal: AbortSignal): Promise<Answer> {
    const url = call.url === undefined ? this.#url : URL.parse(call.url);
    if (url === undefined) return refused('neither the endpoint nor the delivery has a url; give one of them a url');
    if (url === null) return refused(notUrl);
    if (!isHttp(url)) return refused(notHttp(url.protocol));
    if (!isHeaderText(call.id)) return refused('expected an id of printable ASCII characters, as a header requires');
    const client = await this.#loaded();
    const body = this.#body(call);
    const isOwn = call.url === undefined;
    const sent = {
      url,
      method: this.#method,
      headers: this.#headersOf(call, body),
      ownHeaders: { ...credentialsOf(url), ...this.#ownHeadersFor(url) },
      body,
      redirects: this.#redirects,
      connectionsTo: ({ origin }: URL) => this.#connections(client, isOwn && origin === url.origin),
    };
    const send = async () => this.#noticed(await client.exchange(sent, signal));
    const outcome = await (isOwn && this.#circuit !== undefined ? this.#circuit.run(send) : send());
    return outcome.result === 'answered' ? this.#judged(outcome.response) : outcome;
  }

  /** Logs once when this machine cannot send, and once when it can again. */
  #noticed(outcome: Exchange): Exchange {
    if (outcome.result === 'postponed') {
      if (!this.#isShort) this.#log.warn({ reason: outcome.reason }, 'calls are postponed: this machine cannot make any');
      this.#isShort = true;
    } else if (this.#isShort) {
      this.#isShort = false;
      this.#log.info({}, 'calls resume');
    }
    return outcome;
  }

  /** The call was made, so a response that cannot be judged is no reason to repeat it. */
  async #judged(response: HttpResponse): Promise<Answer> {
    try {
      // An untyped one may return a promise.
      return await this.#judge(response);
    } catch (error) {
      return { result: 'unknown', reason: `status ${response.status}, for which the judge failed: ${messageOf(error)}`, cause: error };
    }
  }

  #ownHeadersFor({ origin }: URL): Readonly<Record<string, string>> {
    return this.#url === undefined || this.#url.origin === origin ? this.#headers : {};
  }

  #headersOf({ id, traceparent }: OutgoingCall, body: string): Readonly<Record<string, string>> {
    return {
      'content-type': 'application/json',
      'idempotency-key': id,
      'user-agent': `millrace/${version}`,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...this.#sign(id, Date.now(), body),
    };
  }

  async #loaded(): Promise<HttpClient> {
    this.#client ??= await loadClient();
    return this.#client;
  }

  #connections({ connections }: HttpClient, isTrusted: boolean): Connections {
    if (isTrusted) {
      this.#trusted ??= connections({ guard: undefined, lookup: this.#lookup });
      return this.#trusted;
    }
    this.#guarded ??= connections({ guard: this.#guard, lookup: this.#lookup });
    return this.#guarded;
  }
}

/** Omits the text itself, which may hold a secret. */
const notUrl = 'expected an http or https URL, found a text that is not a URL';

function readUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && isHttp(url)) return url;
  return invalid(`http: url: ${url === null ? notUrl : notHttp(url.protocol)}`);
}

function isHeaderText(text: string): boolean {
  return /^[!-~]([ -~]*[!-~])?$/.test(text);
}

function refused(reason: string): Answer {
  return { result: 'refused', reason };
}
