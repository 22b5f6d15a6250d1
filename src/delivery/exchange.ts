import type { Readable } from 'node:stream';
import { type Dispatcher, request } from 'undici';
import { AddressRefused } from './address-guard.ts';
import { describeFailure } from './describe-failure.ts';
import type { HttpResponse } from './response.ts';

/** One request, as it goes out. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: 'POST' | 'PUT';
  /** Go along to wherever a redirect leads. */
  readonly headers: Readonly<Record<string, string>>;
  /** Stay at the origin of the URL. */
  readonly ownHeaders: Readonly<Record<string, string>>;
  readonly body: string;
  /** How many redirects are followed. */
  readonly redirects: number;
  /** The connections to use for a URL. */
  connectionsTo(url: URL): Dispatcher;
}

/** What came of a request: an answer, an address that must not be called, or nothing. */
export type Exchange =
  | { readonly result: 'answered'; readonly response: HttpResponse }
  | { readonly result: 'refused'; readonly reason: string }
  | { readonly result: 'failed'; readonly reason: string };

/** Sends a request and takes the answer, up to where redirects end. Never throws. */
export async function exchange(sent: HttpRequest, signal: AbortSignal): Promise<Exchange> {
  let url = sent.url;
  try {
    signal.throwIfAborted();
    for (let hop = 0; ; hop++) {
      const ownHeaders = url.origin === sent.url.origin ? sent.ownHeaders : {};
      const answer = await unlessAborted(send({ ...sent, url, ownHeaders }, signal), signal);
      const next = hop < sent.redirects ? redirectOf(answer, url) : undefined;
      if (next === undefined) return { result: 'answered', response: await responseOf(answer) };
      await answer.body.dump({ limit: bodyBytesMax, signal });
      if (!isHttp(next)) return { result: 'refused', reason: `${notHttp(next.protocol)} (redirected by ${url.origin})` };
      url = next;
    }
  } catch (error) {
    if (error instanceof AddressRefused) return { result: 'refused', reason: error.message };
    return { result: 'failed', reason: `${signal.aborted ? 'timed out' : describeFailure(error)} (${url.origin})` };
  }
}

/** Whether it is a URL that can be called. */
export function isHttp({ protocol }: URL): boolean {
  return protocol === 'http:' || protocol === 'https:';
}

/** Why another URL cannot be called. */
export function notHttp(protocol: string): string {
  return `expected an http or https URL, found one of ${protocol}`;
}

function send({ url, method, headers, ownHeaders, body, connectionsTo }: HttpRequest, signal: AbortSignal) {
  return request(`${url.origin}${url.pathname}${url.search}`, {
    dispatcher: connectionsTo(url),
    method,
    headers: { ...ownHeaders, ...headers },
    body,
    signal,
  });
}

/** Rejects when the signal aborts: undici by itself does so only once it is connected. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}

/** Where a request goes on with its method and body. Other redirects would change them. */
function redirectOf({ statusCode, headers }: Dispatcher.ResponseData, url: URL): URL | undefined {
  const { location } = headers;
  const leadsOn = (statusCode === 307 || statusCode === 308) && typeof location === 'string';
  return leadsOn ? (URL.parse(location, url) ?? undefined) : undefined;
}

async function responseOf({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<HttpResponse> {
  const joined = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]);
  return { status: statusCode, headers: Object.fromEntries(joined), body: await readStart(body) };
}

const bodyBytesMax = 64 * 1024;

/** The first 64 KiB as text; what is beyond is not read, and a character that is cut in two is left out. */
async function readStart(body: Readable): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytesLeft = bodyBytesMax;
  for await (const chunk of body) {
    const bytes: Buffer = Buffer.from(chunk);
    text += decoder.decode(bytes.subarray(0, bytesLeft), { stream: true });
    bytesLeft -= bytes.length;
    // Leaving the loop destroys the body, and with it the connection.
    if (bytesLeft <= 0) return text;
  }
  return text + decoder.decode();
}
