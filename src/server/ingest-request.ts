import type { IncomingHttpHeaders } from 'node:http';

/** What a route that takes events in sees of a request. */
export interface IngestRequest {
  /** The parsed JSON, never null. */
  readonly body: unknown;
  /** The bytes of the body as they came, which a signature covers. */
  readonly rawBody: Buffer;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Takes events in and answers what the caller is told with a 202: an object, which is sent as JSON. A `MillraceError` that it throws becomes a
 * problem.
 */
export type TakeIn = (request: IngestRequest) => Promise<object>;
