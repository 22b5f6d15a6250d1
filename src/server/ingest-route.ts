/// <reference types="@fastify/swagger" preserve="true" />
// It gives the schema of a route its `summary`, `tags` and more. The reference stays in our declarations, so users get them too.

import type { FastifyInstance, FastifySchema, RouteHandlerMethod } from 'fastify';
import { checkAnswer, checkIngestRoute } from './check-ingest-route.ts';
import { directRoutesOf } from './direct-routes.ts';
import { refuseIdempotencyKey } from './idempotency-key.ts';
import type { IngestRequest, TakeIn } from './ingest-request.ts';
import type { IngestRouteOptions } from './ingest-route-options.ts';
import { type InexactNumbers, rawBody } from './json-body.ts';
import { noQuery } from './query-parameters.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The treatment of numbers in the body that JavaScript rounds; refused by default. See {@link IngestRouteOptions}. */
    inexactNumbers?: InexactNumbers;
  }
}

/**
 * Adds a route that ingests events: `POST`, answered with 202 and JSON. Like any Fastify route it appears in the docs and reports errors. A
 * plain request takes a short cut around Fastify (see `DirectRoutes`), unless the route or its scope has anything of yours that Fastify
 * would run or honour, such as an authentication hook, a parser or a constraint: then every request goes through Fastify.
 *
 * ```ts
 * ingestRoute(app, '/messages', { summary: 'Ingest a message', body: jsonSchemaOf(Message) }, async (request) => {
 *   const { status } = await mill.ingest('rockets', request.body, traceOf(request));
 *   return { status };
 * });
 * ```
 *
 * Throws `MILL_INVALID_DECLARATION`, naming the argument, the expected value and the one found.
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
  refuseIdempotencyKey(request, 'this route does not support it');
  return take(request);
}
