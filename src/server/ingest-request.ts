import type { IncomingHttpHeaders } from 'node:http';

/** A request, as seen by a route that ingests events. */
export interface IngestRequest {
  /** The parsed JSON, never null. */
  readonly body: unknown;
  /** The original bytes of the body, which a signature covers. */
  readonly rawBody: Buffer;
  readonly headers: IncomingHttpHeaders;
}

/** Takes events in and returns the body of the 202 answer: an object, sent as JSON. A thrown `MillraceError` becomes a problem. */
export type TakeIn = (request: IngestRequest) => Promise<object>;
