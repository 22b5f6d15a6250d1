import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { directRoutesOf } from './direct-routes.ts';

/** What a route that takes events in sees of a request. */
export interface IngestRequest {
  /** The parsed JSON, never null. */
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
}

/** Takes events in and answers what the caller is told with a 202. A `MillraceError` that it throws becomes a problem. */
export type TakeIn = (request: IngestRequest) => Promise<object>;

/**
 * Adds a route that takes events in: `POST`, answered with 202 and JSON. Like any route of Fastify's it has a place in the
 * docs and answers what is not right; a plain request goes past Fastify by a shorter way (see `DirectRoutes`), and so past
 * hooks of your own, those that ask who somebody is among them: where you have such, use `app.post`.
 *
 * ```ts
 * ingestRoute(app, '/messages', { summary: 'Take a message in', body: jsonSchemaOf(Message) }, async (request) => {
 *   const { status } = await mill.ingest('rockets', request.body, traceOf(request));
 *   return { status };
 * });
 * ```
 */
export function ingestRoute(app: FastifyInstance, path: string, schema: FastifySchema, take: TakeIn): void {
  app.post(path, { schema: { body: {}, ...schema } }, async (request, reply) => reply.code(202).send(await take(request)));
  directRoutesOf(app)?.add(`${app.prefix}${path}`, take);
}
