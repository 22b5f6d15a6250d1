import { describeFound } from '../describe-found.ts';
import { invalid } from '../pipeline/check.ts';
import type { Answer } from '../pipeline/endpoint.ts';

/** A server's response. */
export interface HttpResponse {
  readonly status: number;
  /** By lower-case name. Repeated headers are joined with commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text: its first 64 KiB, decoded. */
  readonly body: string;
  /** The reason `body` is incomplete, such as `is longer than 64 KiB` or `breaks off (timed out)`; absent if it is complete. */
  readonly bodyFault?: string | undefined;
}

/** Decides what a response means to the delivery. */
export type Judge = (response: HttpResponse) => Answer;

/**
 * Interprets webhook responses: 2xx delivered, 410 never again, anything else later. The key receives the status, the body, and why the
 * body is incomplete if it is.
 */
export const judgeWebhook: Judge = ({ status, headers, body, bodyFault }) => {
  const answer = { status, body, ...(bodyFault !== undefined && { bodyFault }) };
  if (status >= 200 && status < 300) return { result: 'delivered', answer };
  if (status === 410) return { result: 'refused', reason: 'status 410', answer };
  return { result: 'failed', reason: `status ${status}`, retryAfterMs: retryAfterMs(headers), answer };
};

/** The longest that a server can put a delivery off at once. */
const retryAfterMsMax = 24 * 60 * 60 * 1000;

/**
 * Returns the pause that a server requests by `Retry-After`, in milliseconds, at most 24 h; undefined if it requests none. For custom
 * `judge` functions. `now` is in milliseconds since 1970.
 */
export function retryAfterMs(headers: HttpResponse['headers'], now: number = Date.now()): number | undefined {
  if (typeof headers !== 'object' || headers === null)
    invalid(`retryAfterMs: expected the headers of an answer, found ${describeFound(headers)}`);
  const value = headers['retry-after']?.trim() ?? '';
  const pauseMs = /^\d+$/.test(value) ? Number(value) * 1000 : pauseUntil(value, now);
  return Number.isNaN(pauseMs) ? undefined : Math.max(0, Math.min(pauseMs, retryAfterMsMax));
}

/** Accepts only text that starts like an HTTP date: `Date.parse` takes almost anything for a date. */
function pauseUntil(date: string, now: number): number {
  return /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(date) ? Date.parse(date) - now : Number.NaN;
}
