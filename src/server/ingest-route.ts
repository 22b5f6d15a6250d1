/// <reference types="@fastify/swagger" preserve="true" />
// It gives the schema of a route its `summary`, `tags` and more. The reference stays in our declarations, so users get them, too.

import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifySchema, RouteHandlerMethod } from 'fastify';
import { checkAnswer, checkIngestRoute } from './check-ingest-route.ts';
import { directRoutesOf } from './direct-routes.ts';
import { refuseIdempotencyKey } from './idempotency-key.ts';
import { type InexactNumbers, rawBody } from './json-body.ts';
import { noQuery } from './query-parameters.ts';

/** What a route that takes events in sees of a request. */
export interface IngestRequest {
  /** The parsed JSON, never null. */
  readonly body: unknown;
  /** The bytes of the body as they came, which a signature covers. */
  readonly rawBody: Buffer;
  readonly headers: IncomingHttpHeaders;
}

export interface IngestRouteOptions {
  /**
   * What becomes of a body with a number that JavaScript rounds, such as 1405478888888888901. `refuse` (default): it is 400.
   * `by event`: for a route that hands the body, or its items, to `mill.ingest` or `mill.ingestBatch` as they are. Each event
   * that has such a number is refused by itself, or has it as text where its pipeline says `inexactNumbers: 'text'`.
   */
  readonly inexactNumbers?: InexactNumbers;
  /**
   * What becomes of an `Idempotency-Key`. `refuse` (default): a request with one is 400, since its sender relies on it. `by route`: the
   * route looks at it, as by handing `idempotencyKeyOf(request)` to `mill.ingest`.
   */
  readonly idempotencyKey?: 'refuse' | 'by route';
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What becomes of numbers in the body that JavaScript rounds; by default it is refused. See {@link IngestRouteOptions}. */
    inexactNumbers?: InexactNumbers;
  }
}

/**
 * Takes events in and answers what the caller is told with a 202: an object, which is sent as JSON. A `MillraceError` that it throws becomes a
 * problem.
 */
export type TakeIn = (request: IngestRequest) => Promise<object>;

/**
 * Adds a route that takes events in: `POST`, answered with 202 and JSON. Like any route of Fastify's it has a place in the
 * docs and answers what is not right. A plain request goes past Fastify by a shorter way (see `DirectRoutes`), unless the route or its
 * scope has anything of yours that Fastify would run or honour, such as a hook that asks who somebody is, a parser or a constraint:
 * then every request goes by way of Fastify.
 *
 * ```ts
 * ingestRoute(app, '/messages', { summary: 'Take a message in', body: jsonSchemaOf(Message) }, async (request) => {
 *   const { status } = await mill.ingest('rockets', request.body, traceOf(request));
 *   return { status };
 * });
 * ```
 *
 * Throws `MILL_INVALID_DECLARATION` that names the argument, what it expects and what it found.
 */
export function ingestRoute(
  app: FastifyInstance,
  path: string,
  schema: FastifySchema,
  take: TakeIn,
  options: IngestRouteOptions = {},
): void {
  checkIngestRoute(app, path, schema, take, options);
  const { inexactNumbers = 'refuse', idempotencyKey = 'refuse' } = options;
  const takeIn: TakeIn = idempotencyKey === 'by route' ? take : (request) => withoutKey(request, take);
  const route = { schema: { body: {}, querystring: noQuery, ...schema }, config: { inexactNumbers, access: 'ingest' as const } };
  const handler: RouteHandlerMethod = async (request, reply) => {
    const { body, headers } = request;
    return reply.code(202).send(checkAnswer(await takeIn({ body, headers, rawBody: request.getDecorator<Buffer>(rawBody) })));
  };
  app.post(path, route, handler);
  const url = `${app.prefix}${path}`;
  directRoutesOf(app)?.add(app, { url, path: url, handler, take: takeIn });
}

function withoutKey(request: IngestRequest, take: TakeIn): Promise<object> {
  refuseIdempotencyKey(request, 'this route honours none');
  return take(request);
}
