import { checkOptions, type OptionTable } from '../pipeline/check-options.ts';
import { aFunction, expect, objectWith, oneOf } from '../pipeline/expectations.ts';
import { Place } from '../pipeline/place.ts';
import type { IngestRouteOptions } from './ingest-route-options.ts';

const checkApp = objectWith('a Fastify app', ['post', 'hasDecorator']);
const checkPath = expect("a path such as '/messages'", (value) => typeof value === 'string' && (value === '' || value.startsWith('/')));
const checkSchema = expect('an object, the schema of a route', (value) => typeof value === 'object' && value !== null);
const checkTake = aFunction('async (request) => ({ … })');
const ingestRouteOptions: OptionTable<IngestRouteOptions> = {
  inexactNumbers: oneOf('refuse', 'by event'),
  idempotencyKey: oneOf('refuse', 'by route'),
};

/** Checks the arguments of `ingestRoute(…)`. Throws `MILL_INVALID_DECLARATION`. */
export function checkIngestRoute(app: unknown, path: unknown, schema: unknown, take: unknown, options: unknown): void {
  const place = new Place('ingestRoute', 'MILL_INVALID_DECLARATION');
  checkApp(app, place.at('app'));
  checkPath(path, place.at('path'));
  checkSchema(schema, place.at('schema'));
  checkTake(take, place.at('take'));
  checkOptions(options, ingestRouteOptions, place);
}

/**
 * Returns the answer of a route's `take`. Throws `MILL_INVALID_DECLARATION` for anything not sent as JSON, such as nothing, a text or a
 * stream.
 */
export function checkAnswer(answer: unknown): object {
  if (typeof answer !== 'object' || answer === null || isSentAsItIs(answer))
    return new Place('ingestRoute', 'MILL_INVALID_DECLARATION').at('take()').expected('an object that is sent as JSON', answer);
  return answer;
}

/** Returns whether Fastify would send it unchanged: bytes, a stream, or a fetch response. */
function isSentAsItIs(answer: object): boolean {
  return ArrayBuffer.isView(answer) || 'pipe' in answer || 'getReader' in answer || answer instanceof Response;
}
