import { STATUS_CODES } from 'node:http';
import { fastifySwagger } from '@fastify/swagger';
import { fastifySwaggerUi } from '@fastify/swagger-ui';
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { Logger } from 'pino';
import * as z from 'zod';
import { version } from '../version.ts';
import { safeMethods } from './gate.ts';
import { jsonSchemaOf } from './parse-request.ts';
import { documentPipelines } from './pipeline-documentation.ts';
import { problemMediaType } from './problem.ts';
import { noQuery } from './query-parameters.ts';
import type { System } from './system.ts';

const ProblemDetails = z.object({
  type: z.string().meta({ examples: ['urn:millrace:error:invalid-event'] }),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z
    .string()
    .optional()
    .meta({ examples: ['MILL_INVALID_EVENT'] }),
  errors: z.array(z.object({ path: z.string().meta({ examples: ['events[3].type'] }), message: z.string() })).optional(),
  errorCount: z.int().optional().meta({ description: 'How many errors there are, where `errors` does not hold all of them' }),
});

/** The page loads nothing from elsewhere; Swagger UI styles its elements inline and has images in its stylesheet. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Adds `GET /docs`, `/openapi.json` and the redirect of `/swagger/`. To be called before other routes are added: it collects them. */
export async function documentRoutes(app: FastifyInstance, systems: readonly System[], log: Logger): Promise<void> {
  await app.register(fastifySwagger, {
    convertConstToEnum: false,
    refResolver: {
      buildLocalReference: (schema, _baseUri, _fragment, index) => (typeof schema.$id === 'string' ? schema.$id : `schema-${index}`),
    },
    transformObject: (document) =>
      documentPipelines('openapiObject' in document ? document.openapiObject : document.swaggerObject, systems, log),
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Millrace',
        version,
        description:
          'Durable, ordered event processing. A 2xx to a POST means that the event is on disk; errors are problem details (RFC 9457).',
      },
      tags: [
        ...systems.map(({ name, description }) => ({ name, description })),
        { name: 'operator', description: 'Every pipeline: take events in, look at keys, redrive or discard dead letters.' },
        { name: 'server', description: 'Health and metrics.' },
      ],
    },
  });
  app.addSchema({ $id: 'Problem', description: 'Problem details, RFC 9457', ...jsonSchemaOf(ProblemDetails, 'output') });
  app.addHook('onRoute', (route) => {
    if (route.schema?.hide !== true) route.schema = { ...route.schema, response: describedAnswers(route) };
  });
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    staticCSP: contentSecurityPolicy,
    uiConfig: { layout: 'BaseLayout', docExpansion: 'list', displayRequestDuration: true },
    theme: { title: 'Millrace API' },
  });
  app.get('/openapi.json', { schema: { hide: true, querystring: noQuery } }, () => app.swagger());
  app.get('/swagger', { schema: { hide: true } }, (_request, reply) => reply.redirect('/docs', 302));
}

/** Returns a route's answers, each with a description, and the problems that it may answer. Those that every such route has in common have their status. */
function describedAnswers({ url, method, schema }: RouteOptions): Record<string, object> {
  const documented: readonly (readonly [string, unknown])[] = Object.entries(schema?.response ?? {});
  const described = documented.map(([status, answer]) => {
    const schema = typeof answer === 'object' ? answer : {};
    return [status, { description: STATUS_CODES[status] ?? 'Answer', ...schema }] as const;
  });
  const changes = [method].flat().some((one) => !safeMethods.has(one));
  return {
    ...(changes && { 403: problem('A page of another origin asked for it') }),
    ...(url.includes(':') && { 404: problem('There is none of that name') }),
    ...(schema?.body !== undefined && { 415: { ...problem('The body is compressed'), headers: acceptEncoding } }),
    ...Object.fromEntries(described),
    '4xx': problem('Problem details, RFC 9457'),
    '5xx': problem('Problem details, RFC 9457'),
  };
}

const acceptEncoding = { 'Accept-Encoding': { type: 'string', const: 'identity', description: 'What would be taken' } };

function problem(description: string): object {
  return { description, content: { [problemMediaType]: { schema: { $ref: 'Problem#' } } } };
}
