import type { IngestRequest } from './ingest-route.ts';

/**
 * What a request is part of, for `mill.ingest`: its W3C `traceparent` header.
 *
 * ```ts
 * await mill.ingest('rockets', request.body, traceOf(request));
 * ```
 */
export function traceOf({ headers }: Pick<IngestRequest, 'headers'>): { readonly traceparent?: string } {
  const { traceparent } = headers;
  return typeof traceparent === 'string' ? { traceparent } : {};
}
