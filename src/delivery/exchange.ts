import { type Dispatcher, request } from 'undici';
import { AddressRefused } from './address-guard.ts';
import type { Connections } from './connections.ts';
import { describeFailure } from './describe-failure.ts';
import { isHttp, notHttp } from './http-urls.ts';
import { shortageOf } from './local-shortage.ts';
import { readBody } from './read-body.ts';
import type { HttpResponse } from './response.ts';
import { StatusWitness } from './status-witness.ts';

/** One request, as it goes out. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: 'POST' | 'PUT';
  /** Sent along to wherever a redirect leads. */
  readonly headers: Readonly<Record<string, string>>;
  /** Sent only to the origin of the URL. */
  readonly ownHeaders: Readonly<Record<string, string>>;
  readonly body: string;
  /** Maximum redirects to follow. */
  readonly redirects: number;
  /** Returns the connections to use for a URL. */
  connectionsTo(url: URL): Connections;
}

/** The result of a request: a response, a forbidden address, no response, or a failure to send it from this machine. */
export type Exchange =
  | { readonly result: 'answered'; readonly response: HttpResponse }
  | { readonly result: 'refused'; readonly reason: string }
  | { readonly result: 'failed'; readonly reason: string; readonly isUnanswered: true }
  | { readonly result: 'postponed'; readonly reason: string; readonly retryAfterMs: number };

/** Postponement of calls that this machine cannot send, in milliseconds. */
const shortageMs = 1_000;

/** One request in a chain of redirects. */
interface Hop {
  readonly url: URL;
  readonly witness: StatusWitness;
}

interface Sending {
  readonly sent: HttpRequest;
  readonly signal: AbortSignal;
}

/** Sends a request and follows redirects to the final response. Never throws. */
export async function exchange(sent: HttpRequest, signal: AbortSignal): Promise<Exchange> {
  let hop: Hop = { url: sent.url, witness: new StatusWitness() };
  try {
    signal.throwIfAborted();
    for (let redirects = 0; ; redirects++) {
      const answer = await unlessAborted(send(sent, hop, signal), signal);
      const response = await responseOf(answer, signal);
      const next = redirects < sent.redirects ? redirectOf(answer, hop.url) : undefined;
      if (next === undefined) return { result: 'answered', response };
      if (!isHttp(next)) return { result: 'refused', reason: `${notHttp(next.protocol)} (redirected by ${hop.url.origin})` };
      hop = { url: next, witness: new StatusWitness() };
    }
  } catch (error) {
    return failureOf(error, hop, { sent, signal });
  }
}

function failureOf(error: unknown, { url, witness }: Hop, { sent, signal }: Sending): Exchange {
  if (error instanceof AddressRefused) return { result: 'refused', reason: error.message };
  const reason = signal.aborted ? 'timed out' : describeFailure(error);
  const shortage = signal.aborted ? undefined : shortageOf(error, sent.connectionsTo(url));
  if (shortage !== undefined) return { result: 'postponed', reason: `${shortage} (${reason})`, retryAfterMs: shortageMs };
  if (witness.status === undefined) return { result: 'failed', reason: `${reason} (${url.origin})`, isUnanswered: true };
  return { result: 'answered', response: responseWithoutHeaders(witness.status, reason) };
}

/** The status arrived, so the other side has received the call. */
function responseWithoutHeaders(status: number, reason: string): HttpResponse {
  return { status, headers: {}, body: '', bodyFault: `is missing, because the headers break off (${reason})` };
}

function send({ url: first, method, headers, ownHeaders, body, connectionsTo }: HttpRequest, { url, witness }: Hop, signal: AbortSignal) {
  const connections = connectionsTo(url);
  return request(`${url.origin}${url.pathname}${url.search}`, {
    dispatcher: connections.dispatcher,
    // Connections beyond the limit are closed after the response.
    reset: connections.isFull,
    method,
    headers: { ...(url.origin === first.origin && ownHeaders), ...headers },
    body,
    signal,
    opaque: witness,
  });
}

/** Rejects as soon as the signal aborts: undici does so only once connected, and a decoder never does. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}

/** Returns where a request continues with the same method and body. Other redirects would change them. */
function redirectOf({ statusCode, headers }: Dispatcher.ResponseData<unknown>, url: URL): URL | undefined {
  const { location } = headers;
  const leadsOn = (statusCode === 307 || statusCode === 308) && typeof location === 'string';
  return leadsOn ? (URL.parse(location, url) ?? undefined) : undefined;
}

/** Never rejects: the other side has answered, whatever happens to the rest. */
async function responseOf(answer: Dispatcher.ResponseData<unknown>, signal: AbortSignal): Promise<HttpResponse> {
  const joined = Object.entries(answer.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]);
  const headers: Readonly<Record<string, string>> = Object.fromEntries(joined);
  const timedOut = { text: '', fault: 'breaks off (timed out)' };
  const { text, fault } = await unlessAborted(readBody(answer.body, headers), signal).catch(() => timedOut);
  return { status: answer.statusCode, headers, body: text, ...(fault !== undefined && { bodyFault: fault }) };
}
