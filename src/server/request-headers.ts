import type { IncomingHttpHeaders } from 'node:http';
import { describeFound } from '../describe-found.ts';
import { invalid } from '../pipeline/check.ts';
import type { IngestRequest } from './ingest-request.ts';

/**
 * Returns the headers of a request that a route passes to `call`, which messages name. Throws `MILL_INVALID_DECLARATION` for anything but a
 * request.
 */
export function headersOf(call: string, request: Pick<IngestRequest, 'headers'>): IncomingHttpHeaders {
  const headers: unknown = request?.headers;
  if (typeof headers !== 'object' || headers === null)
    return invalid(`${call}: expected a request with headers, found ${describeFound(request)}`);
  return request.headers;
}
