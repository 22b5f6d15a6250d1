import { describeFound } from '../describe-found.ts';
import { invalid } from '../pipeline/check.ts';
import type { Answer } from '../pipeline/endpoint.ts';

/** What a server has answered. */
export interface HttpResponse {
  readonly status: number;
  /** By names in lower case. Of a header that came more than once the values stand one after the other, separated by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text: its first 64 KiB, decoded. */
  readonly body: string;
  /** Why `body` is not the whole body, such as `is longer than 64 KiB` or `breaks off (timed out)`; absent when it is. */
  readonly bodyFault?: string | undefined;
}

/** What an answer means to the delivery. */
export type Judge = (response: HttpResponse) => Answer;

/**
 * What the answers of webhooks mean: 2xx delivered, 410 never again, everything else later. The key is told the status and
 * the body, and why that is not all of it.
 */
export const judgeWebhook: Judge = ({ status, headers, body, bodyFault }) => {
  const answer = { status, body, ...(bodyFault !== undefined && { bodyFault }) };
  if (status >= 200 && status < 300) return { result: 'delivered', answer };
  if (status === 410) return { result: 'refused', reason: 'status 410', answer };
  return { result: 'failed', reason: `status ${status}`, retryAfterMs: retryAfterMs(headers), answer };
};

/** No server can put a delivery off for longer at once. */
const retryAfterMsMax = 24 * 60 * 60 * 1000;

/**
 * The pause that a server asks for by `Retry-After`, in milliseconds, at most 24 h; undefined when it asks for none. For a
 * `judge` of your own. `now` is in milliseconds since 1970.
 */
export function retryAfterMs(headers: HttpResponse['headers'], now: number = Date.now()): number | undefined {
  if (typeof headers !== 'object' || headers === null)
    invalid(`retryAfterMs: expected the headers of an answer, found ${describeFound(headers)}`);
  const value = headers['retry-after']?.trim() ?? '';
  const pauseMs = /^\d+$/.test(value) ? Number(value) * 1000 : pauseUntil(value, now);
  return Number.isNaN(pauseMs) ? undefined : Math.max(0, Math.min(pauseMs, retryAfterMsMax));
}

/** Only what begins as a date of HTTP: `Date.parse` takes almost anything for a date. */
function pauseUntil(date: string, now: number): number {
  return /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(date) ? Date.parse(date) - now : Number.NaN;
}
