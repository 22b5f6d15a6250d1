import type { IngestRequest } from './ingest-request.ts';
import { headersOf } from './request-headers.ts';

/**
 * Returns a request's trace for `mill.ingest`: its W3C `traceparent` header.
 *
 * ```ts
 * await mill.ingest('rockets', request.body, traceOf(request));
 * ```
 */
export function traceOf(request: Pick<IngestRequest, 'headers'>): { readonly traceparent?: string } {
  const { traceparent } = headersOf('traceOf', request);
  return typeof traceparent === 'string' ? { traceparent } : {};
}
