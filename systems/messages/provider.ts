import { type Answer, type HttpResponse, type HttpTransport, http, retryAfterMs } from '../../src/index.ts';
import { toRowText } from '../shared/text.ts';
import type { Accepted } from './pipeline.ts';

/** A call a second shows whether the provider is back, and is no burden to one that is not; a batch that finds it down goes on with the next. */
const circuit = { resetAfter: '1s', resetAfterMax: '1s' } as const;

/** The SMS provider behind a URL. The key goes along as `x-ins-auth-key`. */
export function smsProvider({ url, key }: { readonly url: string; readonly key: string | undefined }): HttpTransport {
  return http({ url, headers: key === undefined ? {} : { 'x-ins-auth-key': key }, judge: judgeProvider, circuit });
}

/**
 * What an answer of the provider means. Only with its id for the message has it taken the message; where the answer cannot be read
 * whole, nobody knows.
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

/** The id in the JSON of a body, a number as it is written: read as a number, 1405478888888888901 is another one. */
function messageIdOf(json: unknown, body: string): string | undefined {
  if (typeof json !== 'object' || json === null || !('messageId' in json)) return undefined;
  const { messageId } = json;
  if (typeof messageId === 'number') return messageIdOf(parsedAsWritten(body, messageId), body);
  return typeof messageId === 'string' && messageId.trim() !== '' ? toRowText(messageId) : undefined;
}

/** The JSON with its numbers as texts. A reviver takes no text that nests very deeply: then the number is what it was read as. */
function parsedAsWritten(body: string, messageId: number): unknown {
  try {
    return JSON.parse(body, asWritten);
  } catch (error) {
    if (Number.isSafeInteger(messageId)) return { messageId: String(messageId) };
    throw error;
  }
}

/** A reviver that leaves numbers as the texts that they are. */
function asWritten(_name: string, value: unknown, ...[context]: readonly { readonly source?: string }[]): unknown {
  return typeof value === 'number' ? (context?.source ?? String(value)) : value;
}
