import type { Asked, Expectation, Made, ValidRequest } from '../attempt.ts';
import { type Request, toBytes } from '../request.ts';

/** A valid request with changes, sent at once. */
export function send(valid: ValidRequest, changes: Partial<Request>, expects: Expectation = 'answers'): Made {
  const request = { ...valid.request, ...changes };
  return { steps: [{ write: toBytes(request) }], asked: [asked(valid, request)], expects };
}

/** Describes a request derived from a valid one. */
export function asked({ route, parameters }: ValidRequest, { method, body }: Request): Asked {
  return { method, path: route.path, pipeline: parameters.pipeline, eventsMax: eventsMaxOf(body) };
}

/** A body as text; its bytes are exactly those written. */
export function text(body: string): { readonly body: Buffer } {
  return { body: Buffer.from(body) };
}

/** Returns an upper limit for the events in a body. */
function eventsMaxOf(body: Buffer | undefined): number {
  const json = parse(body?.toString() ?? '');
  if (Array.isArray(json)) return json.length;
  const events = typeof json === 'object' && json !== null && 'events' in json ? json.events : undefined;
  if (Array.isArray(events)) return events.length;
  return json === undefined ? 0 : 1;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
