import { describeFound } from '../describe-found.ts';
import { invalid } from '../pipeline/check.ts';
import type { IngestRequest } from './ingest-route.ts';

/**
 * What a request is part of, for `mill.ingest`: its W3C `traceparent` header.
 *
 * ```ts
 * await mill.ingest('rockets', request.body, traceOf(request));
 * ```
 */
export function traceOf(request: Pick<IngestRequest, 'headers'>): { readonly traceparent?: string } {
  const headers: unknown = request?.headers;
  if (typeof headers !== 'object' || headers === null)
    return invalid(`traceOf: expected a request with headers, found ${describeFound(request)}`);
  const { traceparent } = request.headers;
  return typeof traceparent === 'string' ? { traceparent } : {};
}
