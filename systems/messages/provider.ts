import { type Answer, type HttpResponse, type HttpTransport, http, retryAfterMs } from '../../src/index.ts';
import { toRowText } from '../shared/text.ts';
import type { Accepted } from './pipeline.ts';

/**
 * One call per second shows whether the provider is back without burdening it; a batch that finds it down continues with the
 * next.
 */
const circuit = { resetAfter: '1s', resetAfterMax: '1s' } as const;

/** Calls the SMS provider at a URL. The key is sent as `x-ins-auth-key`. */
export function smsProvider({ url, key }: { readonly url: string; readonly key: string | undefined }): HttpTransport {
  return http({ url, headers: key === undefined ? {} : { 'x-ins-auth-key': key }, judge: judgeProvider, circuit });
}

/**
 * Interprets a provider's response. The message counts as accepted only if the response has an id for it; if the response cannot be read
 * completely, the result is unknown.
 */
export function judgeProvider({ status, headers, body, bodyFault }: HttpResponse): Answer {
  const answer = { rawResponse: toRowText(body) };
  if (status === 408 || status === 429 || status >= 500) {
    return { result: 'failed', reason: `status ${status}`, retryAfterMs: retryAfterMs(headers), answer };
  }
  if (status < 200 || status >= 300) return { result: 'refused', reason: `status ${status}`, answer };
  if (bodyFault !== undefined) return { result: 'unknown', reason: `status ${status}, whose body ${bodyFault}`, answer };
  const json = parse(body);
  if (json === undefined) return { result: 'refused', reason: `status ${status}: expected JSON, found something else`, answer };
  const messageId = messageIdOf(json, body);
  if (messageId === undefined) return { result: 'refused', reason: `status ${status}: expected a messageId, found none`, answer };
  return { result: 'delivered', answer: { messageId, ...answer } satisfies Accepted };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Returns the id in a body's JSON, a number exactly as written: parsed as a number, 1405478888888888901 would change. */
function messageIdOf(json: unknown, body: string): string | undefined {
  if (typeof json !== 'object' || json === null || !('messageId' in json)) return undefined;
  const { messageId } = json;
  if (typeof messageId === 'number') return messageIdOf(parsedAsWritten(body, messageId), body);
  return typeof messageId === 'string' && messageId.trim() !== '' ? toRowText(messageId) : undefined;
}

/** Parses JSON with its numbers as texts. A reviver cannot handle very deep nesting: then the parsed number is used. */
function parsedAsWritten(body: string, messageId: number): unknown {
  try {
    return JSON.parse(body, asWritten);
  } catch (error) {
    if (Number.isSafeInteger(messageId)) return { messageId: String(messageId) };
    throw error;
  }
}

/** A reviver that keeps numbers as their source texts. */
function asWritten(_name: string, value: unknown, ...[context]: readonly { readonly source?: string }[]): unknown {
  return typeof value === 'number' ? (context?.source ?? String(value)) : value;
}
